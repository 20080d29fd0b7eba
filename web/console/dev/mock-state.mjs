/**
 * State of the mock server, in memory: two users, their connected accounts, and flows in progress.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * @typedef {import('@evergrant/react').Integration} Integration
 * @typedef {{ id: string, provider: string, userId: number, challenge: string, redirectUrl: string, receipt: string,
 *   accountId: string | undefined, state: Record<string, unknown>, reached: Integration[] }} Flow
 * @typedef {{ version: number, integrations: Integration[], listeners: Set<(name: string, data: object) => void> }} User
 */

/** Users to sign in as. */
export const USERS = [
  { id: 7, name: 'Demo creator' },
  { id: 8, name: 'New user' },
];

/** Response of `/api/integrations/providers`. */
export const PROVIDERS = JSON.parse(readFileSync(new URL('catalogue.json', import.meta.url), 'utf8'));

const token = () => randomBytes(16).toString('base64url');
/** @param {number} hours */
const inHours = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();

/** Users, accounts and flows; changes are published to the event streams of their user. */
export class MockState {
  /** @type {Map<number, User>} */
  users = new Map(USERS.map(({ id }) => [id, { version: 1, integrations: [], listeners: new Set() }]));
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
    if (!user) throw new Error(`unknown user ${id}`);
    return user;
  }

  /** @param {number} userId @param {string} provider @param {Record<string, string>} body */
  startFlow(userId, provider, { challenge = '', redirectUrl = '', accountId }) {
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

  /** Records the decision on the consent page. @param {Flow} flow @param {boolean} allowed */
  consent(flow, allowed) {
    if (!allowed) return this.#setFlowState(flow, { status: 'error', code: 'OAUTH_DENIED' });
    flow.reached = this.#reached(flow);
    const accounts = flow.reached.map(({ providerAccountId, displayName, username }) => {
      return { providerAccountId, displayName, username };
    });
    this.#setFlowState(flow, accounts.length > 1 ? { status: 'choose', accounts } : { status: 'pending' });
  }

  /**
   * Connects the chosen accounts; returns null for a wrong proof.
   * @param {Flow} flow @param {{ verifier?: string, receipt?: string, accountIds?: string[] }} body
   */
  finish(flow, { verifier = '', receipt, accountIds }) {
    const proof = createHash('sha256').update(verifier).digest('base64url');
    if (proof !== flow.challenge || receipt !== flow.receipt || flow.reached.length === 0) return null;
    const chosen = flow.reached.filter((one) => !accountIds || accountIds.includes(one.providerAccountId));
    return this.#connect(flow, chosen);
  }

  /**
   * Accepts a pasted session of at least 8 characters.
   * @param {Flow} flow @param {Record<string, string>} values
   */
  submitSession(flow, values) {
    return (values['sess'] ?? '').length < 8 ? null : this.#connect(flow, this.#reached(flow));
  }

  /**
   * Applies `change` to one account and publishes it as event `name`.
   * @param {number} userId @param {string} provider @param {string} accountId @param {string} name
   */
  change(userId, provider, accountId, name, change = {}) {
    const user = this.user(userId);
    const old = user.integrations.find(
      (one) => one.provider === provider && one.providerAccountId === accountId,
    );
    if (!old) return null;
    const integration = { ...old, ...change };
    const isRemoved = name === 'disconnected';
    user.integrations = user.integrations.flatMap((one) =>
      one === old ? (isRemoved ? [] : [integration]) : [one],
    );
    this.#publish(user, name, { provider, accountId, ...(isRemoved ? {} : { integration }) });
    return integration;
  }

  /** Accounts that the consent grants access to. @param {Flow} flow */
  #reached({ provider, accountId }) {
    if (accountId) return [this.#account(provider, accountId, 'Juniper Vale', 'juniper_vale')];
    const accounts = [this.#account(provider, `${provider}-wren`, 'Wren & Daughters', 'wrenanddaughters')];
    if (provider === 'instagram')
      accounts.push(this.#account(provider, `${provider}-kiln`, 'Kiln', 'kiln.works'));
    return accounts;
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
      this.#publish(user, 'connected', { provider, accountId, integration: made });
    }
    this.#setFlowState(flow, { status: 'connected', accountId: chosen[0]?.providerAccountId });
    return chosen;
  }

  /** @param {Flow} flow @param {Record<string, unknown>} state */
  #setFlowState(flow, state) {
    flow.state = state;
    this.#publish(this.user(flow.userId), 'flow', { flowId: flow.id, ...state });
  }

  /** @param {User} user @param {string} name @param {object} data */
  #publish(user, name, data) {
    user.version++;
    for (const listener of user.listeners) {
      listener(name, { version: user.version, at: new Date().toISOString(), ...data });
    }
  }

  /**
   * @param {string} provider @param {string} providerAccountId @param {string} displayName
   * @param {string} username @param {Partial<Integration>} change @returns {Integration}
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
      remarks: [],
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
