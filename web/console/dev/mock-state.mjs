/** What the mock server knows: two people, their accounts, and the flows under way. All in memory. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * @typedef {import('@evergrant/react').Integration} Integration
 * @typedef {{ id: string, provider: string, userId: number, challenge: string, redirectUrl: string, receipt: string,
 *   accountId: string | undefined, state: Record<string, unknown>, reached: Integration[] }} Flow
 * @typedef {{ version: number, integrations: Integration[], listeners: Set<(name: string, data: object) => void> }} User
 */

export const PEOPLE = [
  { id: 7, name: 'Demo creator' },
  { id: 8, name: 'New user' },
];

export const PROVIDERS = JSON.parse(readFileSync(new URL('catalogue.json', import.meta.url), 'utf8'));

const token = () => randomBytes(16).toString('base64url');
/** @param {number} hours */
const inHours = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();

export class MockState {
  /** @type {Map<number, User>} */
  users = new Map(PEOPLE.map(({ id }) => [id, { version: 1, integrations: [], listeners: new Set() }]));
  /** @type {Map<string, Flow>} */
  flows = new Map();
  #lastId = 0;

  constructor() {
    this.user(7).integrations = [
      this.#account('instagram', '17841400000000001', 'Juniper Studio', 'juniper'),
      this.#account('tiktok', 't-juniper', 'juniper.makes', 'juniper.makes', {
        status: 'error',
        isConnected: false,
        statusReason: 'PROVIDER_UNAVAILABLE',
        nextRefreshAt: inHours(0.08),
      }),
      this.#account('reddit', 'sim9z', 'juniper_vale', 'juniper_vale', {
        status: 'expired',
        isConnected: false,
        statusReason: 'REVOKED_BY_USER',
      }),
    ];
  }

  /** @param {number} id */
  user(id) {
    const user = this.users.get(id);
    if (!user) throw new Error(`there is no user ${id}`);
    return user;
  }

  /** @param {number} userId @param {string} provider @param {Record<string, string>} body */
  begin(userId, provider, { challenge = '', redirectUrl = '', accountId }) {
    const id = token();
    const state = { status: 'waiting' };
    const flow = {
      id,
      provider,
      userId,
      challenge,
      redirectUrl,
      receipt: token(),
      accountId,
      state,
      reached: [],
    };
    this.flows.set(id, flow);
    return flow;
  }

  /** Somebody allows or denies it at the platform. @param {Flow} flow @param {boolean} allows */
  consent(flow, allows) {
    if (!allows) return this.#go(flow, { status: 'error', code: 'OAUTH_DENIED' });
    flow.reached = this.#reached(flow);
    const accounts = flow.reached.map(({ providerAccountId, displayName, username }) => {
      return { providerAccountId, displayName, username };
    });
    this.#go(flow, accounts.length > 1 ? { status: 'choose', accounts } : { status: 'pending' });
  }

  /** @param {Flow} flow @param {{ verifier?: string, receipt?: string, accountIds?: string[] }} body */
  finish(flow, { verifier = '', receipt, accountIds }) {
    const proof = createHash('sha256').update(verifier).digest('base64url');
    if (proof !== flow.challenge || receipt !== flow.receipt || flow.reached.length === 0) return null;
    const chosen = flow.reached.filter((one) => !accountIds || accountIds.includes(one.providerAccountId));
    return this.#connect(flow, chosen);
  }

  /** A pasted session is believed if it is long enough. @param {Flow} flow @param {Record<string, string>} values */
  paste(flow, values) {
    return (values['sess'] ?? '').length < 8 ? null : this.#connect(flow, this.#reached(flow));
  }

  /** @param {number} userId @param {string} provider @param {string} accountId @param {string} name */
  change(userId, provider, accountId, name, change = {}) {
    const user = this.user(userId);
    const old = user.integrations.find(
      (one) => one.provider === provider && one.providerAccountId === accountId,
    );
    if (!old) return null;
    const integration = { ...old, ...change };
    const gone = name === 'disconnected';
    user.integrations = user.integrations.flatMap((one) =>
      one === old ? (gone ? [] : [integration]) : [one],
    );
    this.#tell(user, name, { provider, accountId, ...(gone ? {} : { integration }) });
    return integration;
  }

  /** @param {Flow} flow */
  #reached({ provider, accountId }) {
    if (accountId) return [this.#account(provider, accountId, 'Juniper Vale', 'juniper_vale')];
    const made = [this.#account(provider, `${provider}-wren`, 'Wren & Daughters', 'wrenanddaughters')];
    if (provider === 'instagram')
      made.push(this.#account(provider, `${provider}-kiln`, 'Kiln', 'kiln.works'));
    return made;
  }

  /** @param {Flow} flow @param {Integration[]} chosen */
  #connect(flow, chosen) {
    const user = this.user(flow.userId);
    for (const one of chosen) {
      const old = user.integrations.find(
        ({ provider, providerAccountId: id }) => provider === one.provider && id === one.providerAccountId,
      );
      const made = { ...one, ...(old && { id: old.id, displayName: old.displayName ?? null }) };
      user.integrations = [...user.integrations.filter((known) => known !== old), made];
      const { provider, providerAccountId: accountId } = made;
      this.#tell(user, 'connected', { provider, accountId, integration: made });
    }
    this.#go(flow, { status: 'connected', accountId: chosen[0]?.providerAccountId });
    return chosen;
  }

  /** @param {Flow} flow @param {Record<string, unknown>} state */
  #go(flow, state) {
    flow.state = state;
    this.#tell(this.user(flow.userId), 'flow', { flowId: flow.id, ...state });
  }

  /** @param {User} user @param {string} name @param {object} data */
  #tell(user, name, data) {
    user.version++;
    for (const listener of user.listeners) {
      listener(name, { version: user.version, at: new Date().toISOString(), ...data });
    }
  }

  /**
   * @param {string} provider @param {string} providerAccountId @param {string} displayName @param {string} username
   * @param {Partial<Integration>} change
   * @returns {Integration}
   */
  #account(provider, providerAccountId, displayName, username, change = {}) {
    return {
      id: ++this.#lastId,
      provider,
      providerAccountId,
      displayName,
      username,
      isConnected: true,
      status: 'connected',
      missingScopes: [],
      metadata: {},
      createdAt: inHours(-2200),
      updatedAt: inHours(-2),
      lastRefreshedAt: inHours(-2),
      nextRefreshAt: inHours(22),
      expiresAt: inHours(24),
      correlationId: token().slice(0, 8),
      ...change,
    };
  }
}
