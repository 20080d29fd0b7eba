/** Runs nginx on loopback, with a location of `docs/reverse-proxy.md` in front of the server. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);
/** The first is the one that `scripts/setup` unpacks. */
const PROGRAMS = [fileURLToPath(new URL('.nginx/usr/sbin/nginx', ROOT)), '/usr/sbin/nginx'];
/** Maximum time to wait until nginx accepts connections, in milliseconds. */
const START_TIMEOUT_MS = 10_000;

/** @typedef {{ port: number, tls: boolean, location: string }} NginxOptions */

/** One nginx with its own folder, which is removed with it. */
export class Nginx {
  #folder = mkdtempSync(join(tmpdir(), 'evergrant-nginx-'));
  #options;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process;

  /** @param {NginxOptions} options `location`: blocks of the configuration */
  constructor(options) {
    this.#options = options;
    process.once('exit', this.#dispose);
  }

  /** Starts nginx in the foreground, and waits until it accepts connections. */
  async start() {
    if (this.#options.tls) this.#createCertificate();
    const file = join(this.#folder, 'nginx.conf');
    writeFileSync(file, this.#configuration());
    const args = ['-p', this.#folder, '-c', file, '-e', 'error.log'];
    this.#process = spawn(program(), args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(this.#options.port))) {
      const mayStart = this.#process.exitCode === null && Date.now() < deadline;
      // Before its start, nginx has not created the log.
      if (!mayStart) assert.fail(`nginx does not start: ${this.#log('error')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops nginx and removes its folder. */
  async remove() {
    const running = this.#process;
    if (running && running.exitCode === null && running.signalCode === null) {
      const ended = once(running, 'exit');
      running.kill('SIGTERM');
      await ended;
    }
    process.off('exit', this.#dispose);
    this.#dispose();
  }

  /** Returns the paths that were requested outside of the location, where other apps would be. */
  strayRequests() {
    return this.#log('stray').split('\n').filter(Boolean);
  }

  /** Returns how many requests the location has passed on. */
  passedRequests() {
    return this.#log('passed').split('\n').filter(Boolean).length;
  }

  /** @param {string} name */
  #log(name) {
    return readFileSync(join(this.#folder, `${name}.log`), 'utf8');
  }

  /** Also runs if the tests are aborted. */
  #dispose = () => {
    this.#process?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  #createCertificate() {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const files = ['-keyout', join(this.#folder, 'key.pem'), '-out', join(this.#folder, 'cert.pem')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...subject, ...files], {
      stdio: 'ignore',
    });
  }

  /** One process, whose temporary files are in its folder. */
  #configuration() {
    const { port, tls, location } = this.#options;
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    return `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {}
http {
  ${temporary.map((name) => `${name}_temp_path ${name};`).join(' ')}
  log_format path '$request_uri';
  access_log passed.log path;
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${tls ? 'ssl_certificate cert.pem; ssl_certificate_key key.pem;' : ''}
    server_name localhost;
    ${location}
    location / {
      access_log stray.log path;
      return 404 "another app";
    }
  }
}
`;
  }
}

/**
 * Returns the locations of `docs/reverse-proxy.md`, for a server that listens on `port`: one that passes the path
 * on, and one that removes it.
 * @param {number} port
 */
export function documentedLocations(port) {
  const text = readFileSync(new URL('docs/reverse-proxy.md', ROOT), 'utf8');
  const blocks = [...text.matchAll(/^```nginx\n([^`]+)```$/gm)].map(([, block = '']) => block);
  assert.equal(blocks.length, 2, 'docs/reverse-proxy.md has two examples');
  const [passes, removes] = blocks.map((block) => block.replace('127.0.0.1:8080', `127.0.0.1:${port}`));
  return { passes, removes };
}

function program() {
  const { EVERGRANT_NGINX: set } = process.env;
  const found = set ?? PROGRAMS.find(exists);
  assert(found, 'nginx is missing: run scripts/setup, or set EVERGRANT_NGINX to the program');
  return found;
}

/** @param {string} path */
function exists(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @param {number} port @returns {Promise<boolean>} */
async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
