/** The program that `EVERGRANT_BIN` names, as `evergrant dev` on ports of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Then what was started here is ended by what listens to that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** The sandbox and the console stand beside it, each on an address of its own. */
export class Program {
  url = '';
  sandbox = '';
  apiKey = '';
  #data = mkdtempSync(join(tmpdir(), 'evergrant-e2e-'));
  #ports = { listen: 0, sandbox: 0 };
  /** @type {NodeJS.ProcessEnv} */
  #env;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    this.#env = env;
    process.once('exit', this.#leave);
  }

  /** On the same ports and data each time. */
  async start() {
    const { EVERGRANT_BIN: binary } = process.env;
    if (!binary) throw new Error('EVERGRANT_BIN must name the program, such as target/release/evergrant');
    const { listen, sandbox } = (this.#ports = {
      listen: this.#ports.listen || (await freePort()),
      sandbox: this.#ports.sandbox || (await freePort()),
    });
    const own = { EVERGRANT_SANDBOX_LISTEN: `127.0.0.1:${sandbox}`, EVERGRANT_ADMIN_LISTEN: '127.0.0.1:0' };
    const args = ['dev', '--data', this.#data, '--listen', `127.0.0.1:${listen}`];
    this.#process = spawn(binary, args, {
      env: { ...process.env, EVERGRANT_RATE_LIMIT: 'off', ...own, ...this.#env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const said = await this.#words();
    this.url = find(said, /(?:console|page)\s+(http:\S+)/);
    this.sandbox = find(said, /sandbox\s+(http:\S+)/);
    this.apiKey = find(said, /key (evg_\S+)/);
  }

  async stop() {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGTERM');
    // What does not end by itself, such as for a stream that is still open, is not waited for.
    const timer = setTimeout(() => running.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }

  async remove() {
    await this.stop();
    process.off('exit', this.#leave);
    this.#leave();
  }

  /** Whatever happens to the tests, nothing of it stays. */
  #leave = () => {
    this.#process?.kill('SIGKILL');
    rmSync(this.#data, { recursive: true, force: true });
  };

  /** What it prints once it serves; a minute is more than it needs. @returns {Promise<string>} */
  async #words() {
    let text = '';
    const patience = setTimeout(() => this.#process?.kill('SIGKILL'), 60_000);
    try {
      for await (const part of this.#process?.stdout ?? []) {
        text += part;
        if (/^\s*try\s.*\n/m.test(text)) return text;
      }
    } finally {
      clearTimeout(patience);
    }
    throw new Error(`the program ended before it served: ${text}`);
  }
}

/** @param {string} text @param {RegExp} wanted */
function find(text, wanted) {
  const found = wanted.exec(text)?.[1];
  if (!found) throw new Error(`${wanted} is not in what the program says:\n${text}`);
  return found;
}

/** @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
