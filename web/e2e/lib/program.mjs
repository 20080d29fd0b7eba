/** Runs the binary that `EVERGRANT_BIN` names as `evergrant dev`, on free ports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Exiting runs the `exit` handlers, which stop the processes started here.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** One `evergrant dev` process with its sandbox and console, each at its own URL. */
export class Program {
  url = '';
  sandbox = '';
  apiKey = '';
  /** Data directory, removed with the program. */
  #data = mkdtempSync(join(tmpdir(), 'evergrant-e2e-'));
  #ports = { listen: 0, sandbox: 0 };
  /** @type {NodeJS.ProcessEnv} */
  #env;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /** @param {NodeJS.ProcessEnv} env @param {number} listen a port; by default a free one */
  constructor(env, listen = 0) {
    this.#env = env;
    this.#ports.listen = listen;
    process.once('exit', this.#dispose);
  }

  /** Starts the server, or starts it again with the same ports and data. */
  async start() {
    const { EVERGRANT_BIN: binary } = process.env;
    if (!binary)
      throw new Error('EVERGRANT_BIN must name the server binary, such as target/release/evergrant');
    const { listen, sandbox } = (this.#ports = {
      listen: this.#ports.listen || (await freePort()),
      sandbox: this.#ports.sandbox || (await freePort()),
    });
    const addresses = {
      EVERGRANT_SANDBOX_LISTEN: `127.0.0.1:${sandbox}`,
      EVERGRANT_ADMIN_LISTEN: '127.0.0.1:0',
    };
    const args = ['dev', '--data', this.#data, '--listen', `127.0.0.1:${listen}`];
    this.#process = spawn(binary, args, {
      env: { ...process.env, EVERGRANT_RATE_LIMIT: 'off', ...addresses, ...this.#env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const output = await this.#startupOutput();
    this.url = find(output, /(?:console|page)\s+(https?:\S+)/);
    this.sandbox = find(output, /sandbox\s+(http:\S+)/);
    this.apiKey = find(output, /key (evg_\S+)/);
  }

  /** Stops the server and keeps its data. */
  async stop() {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGTERM');
    // An open event stream can delay the shutdown; do not wait for it.
    const timer = setTimeout(() => running.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }

  /** Stops the server and removes its data. */
  async remove() {
    await this.stop();
    process.off('exit', this.#dispose);
    this.#dispose();
  }

  /** Also runs if the tests are aborted. */
  #dispose = () => {
    this.#process?.kill('SIGKILL');
    rmSync(this.#data, { recursive: true, force: true });
  };

  /**
   * Returns what the server prints until it is ready. Kills it if that takes longer than a minute.
   * @returns {Promise<string>}
   */
  async #startupOutput() {
    let text = '';
    const timeout = setTimeout(() => this.#process?.kill('SIGKILL'), 60_000);
    try {
      for await (const part of this.#process?.stdout ?? []) {
        text += part;
        if (/^\s*try\s.*\n/m.test(text)) return text;
      }
    } finally {
      clearTimeout(timeout);
    }
    throw new Error(`the server exited before it was ready: ${text}`);
  }
}

/** Returns the first capture group. @param {string} text @param {RegExp} pattern */
function find(text, pattern) {
  const found = pattern.exec(text)?.[1];
  if (!found) throw new Error(`${pattern} does not match the server's output:\n${text}`);
  return found;
}

/** Returns a port that is free. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
