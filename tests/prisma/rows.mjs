// An application that shares the tables of Evergrant. It uses the `pg` client for PostgreSQL and the reference cipher,
// and no code of Evergrant.
//
//   node rows.mjs read ACCOUNT_ID [PROVIDER]   prints the row of an account as JSON, with decrypted tokens
//   node rows.mjs write                        inserts the row given as JSON on standard input, and prints {"id"}
//
// ACCOUNT_ID is the id at the provider (provider_account_id). DATABASE_URL names the database, and TOKEN_ENCRYPTION_KEY
// is the key of the tokens.

import { text } from 'node:stream/consumers';
import pg from 'pg';
import { decryptToken, encryptionKey, encryptToken } from '../reference-cipher/cipher.mjs';

const SELECT = `
  SELECT provider, provider_account_id, access_token, refresh_token, expires_at, scope, metadata
  FROM oauth_accounts WHERE provider_account_id = $1 AND provider = coalesce($2, provider)`;

const INSERT = `
  INSERT INTO oauth_accounts
    (user_id, provider, provider_account_id, access_token, refresh_token, expires_at, scope, metadata)
  VALUES ($1, $2, $3, $4, $5, $6::timestamptz AT TIME ZONE 'UTC', $7, $8)
  RETURNING id`;

/** Reads times without a zone as UTC, as Prisma does. The client reads them as local time by default. */
const types = {
  getTypeParser: (type, format) =>
    type === pg.types.builtins.TIMESTAMP ? utcDate : pg.types.getTypeParser(type, format),
};

function utcDate(timestamp) {
  return new Date(`${timestamp.replace(' ', 'T')}Z`);
}

async function read(client, key, [accountId, provider]) {
  if (!accountId) throw new Error('read needs an account id');
  const { rows } = await client.query(SELECT, [accountId, provider]);
  if (rows.length !== 1) throw new Error(`${rows.length} rows with account id ${accountId}; expected one`);
  const [row] = rows;
  return {
    provider: row.provider,
    providerAccountId: row.provider_account_id,
    accessToken: row.access_token && decryptToken(row.access_token, key),
    refreshToken: row.refresh_token && decryptToken(row.refresh_token, key),
    expiresAt: row.expires_at,
    scope: row.scope,
    metadata: row.metadata,
  };
}

async function write(client, key) {
  const row = JSON.parse(await text(process.stdin));
  const { rows } = await client.query(INSERT, [
    row.userId,
    row.provider,
    row.providerAccountId,
    row.accessToken && encryptToken(row.accessToken, key),
    row.refreshToken && encryptToken(row.refreshToken, key),
    row.expiresAt && new Date(row.expiresAt).toISOString(),
    row.scope,
    row.metadata && JSON.stringify(row.metadata),
  ]);
  return rows[0];
}

async function main([name, ...options]) {
  const command = { read, write }[name];
  if (!command) throw new Error('usage: node rows.mjs read ACCOUNT_ID [PROVIDER] | write');
  const key = encryptionKey(process.env.TOKEN_ENCRYPTION_KEY);
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL, options: '-c timezone=UTC', types });
  await client.connect();
  try {
    console.log(JSON.stringify(await command(client, key, options)));
  } finally {
    await client.end();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`rows.mjs: ${error.message}`);
  process.exitCode = 1;
}
