// Puts the wrapper together. What the first answer does not need is loaded when it is needed: starting fast is the point.
import { writeSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';
import { AppError, describeError } from '../base/errors.ts';
import { intoOneBuffer } from '../base/one-buffer.ts';
import { plainLine } from '../base/plain-text.ts';
import { claimLocations } from '../daemon-client/claim.ts';
import { aloneName } from '../link/alone.ts';
import { describeBuild, ownBuild } from '../link/build.ts';
import type { Hello } from '../link/hello.ts';
import { type Environment, type Locations, locate, pathVariables } from '../link/locations.ts';
import { type Args, parseArgs, usage } from './args.ts';
import { HostStdio } from './host-stdio.ts';
import { createIdentity, projectDirOf, wantedValues } from './identity.ts';
import { Lifetime } from './lifetime.ts';
import { Reconnector } from './reconnect.ts';
import { Relay } from './relay.ts';
import { SessionMemory } from './session-memory.ts';
import { Waiting } from './waiting.ts';

export type RunOptions = {
  argv: readonly string[];
  env: Environment;
  /** The running bundle. */
  bundlePath: string;
  exit: (code: number) => void;
};

/** No real message is longer; the daemon may allow less. */
const maxLineBytes = 64 * 1024 * 1024;
/** The first answers come before housekeeping; a session of `claude -p` may last little longer. */
const installDelayMs = 250;

export function run(options: RunOptions): void {
  const args = parseArgs(options.argv, options.env);
  if (args.kind === 'run') {
    serve(args, options);
    return;
  }
  if (args.kind === 'help') process.stdout.write(`${usage}\n`);
  else if (args.kind === 'version') process.stdout.write(`${describeBuild(ownBuild)}\n`);
  else {
    warn(args.message);
    options.exit(2);
  }
}

function serve(args: Extract<Args, { kind: 'run' }>, { env, bundlePath, exit }: RunOptions): void {
  const place = locateOrWarn(env, args.name);
  if (!place) {
    exit(2);
    return;
  }
  const { plain, problem } = place;
  const projectDir = projectDirOf(env);
  const target = chooseDaemon(args, env, plain);
  const memory = new SessionMemory();
  let identity: Hello | undefined;

  const daemon = new Reconnector(
    {
      claim: () => {
        if (problem) throw problem;
        return claimLocations(target.env, target.name);
      },
      createHello: (locations) => {
        identity ??= createIdentity({
          ...args,
          env,
          locations,
          projectDir,
          server: args.server,
          mode: args.mode,
        });
        waiting.onHelloWritten();
        return memory.served ? { ...identity, served: memory.served } : identity;
      },
      launch: async (locations) => {
        const { startOrReuse } = await import('../daemon-client/launch.ts');
        return startOrReuse({ locations, env: target.env, bundlePath, args: target.args });
      },
      maxLineBytes,
    },
    {
      onReady: (reply) => {
        relay.onReady(reply);
        installOnce();
      },
      onLine: (line) => relay.onDaemonLine(line),
      onOversize: (line) => relay.onDaemonOversize(line),
      onWritable: () => host.resume(),
      batch: (deliver) => host.batch(deliver),
      onLost: (wasDraining) => relay.onLost(wasDraining),
      onUnavailable: () => {
        waiting.giveUpAll();
        lifetime.onSettled();
      },
    },
  );
  const waiting = new Waiting({
    memory,
    face: () => ({
      facesDir: plain.facesDir,
      projectDir,
      home: env['HOME'] || homedir(),
      server: args.server,
      mode: args.mode,
    }),
    write: (line) => host.write(line),
    // Not performance.now(): the global loads perf_hooks, 1 ms of the start.
    now: () => process.uptime() * 1000,
    reason: () => daemon.reason,
    isHopeless: () => daemon.state === 'degraded',
  });
  const relay = new Relay({
    daemon,
    waiting,
    memory,
    write: (line) => host.write(line),
    pauseHost: () => host.pause(),
    resumeHost: () => host.resume(),
    wantedValues: (wants) => wantedValues(env, wants),
    warn,
    maxLineBytes,
    onSettled: () => lifetime.onSettled(),
  });
  const lifetime = new Lifetime({
    exit: (code) => {
      daemon.end();
      exit(code);
    },
    openRequests: () => relay.openRequests,
    unreadBytes: () => host.unreadBytes,
    parentPid: () => process.ppid,
  });
  const installOnce = once(() => installLater(bundlePath, plain));

  // A defect of ours must not take the host's tools away: say it and go on.
  process.on('uncaughtException', (error) => warn(`unexpected: ${error.stack ?? error.message}`));
  // The daemon reads the hello while this process still loads what stdin and stdout need (2 ms of 30).
  daemon.start();
  const host = new HostStdio({
    openStdin,
    stdout: process.stdout,
    maxLineBytes,
    onLine: (line) => relay.onHostLine(line),
    onOversize: (line) => relay.onHostOversize(line),
    batch: (deliver) => daemon.batch(deliver),
    onEnd: () => lifetime.onStdinEnd(),
    onGone: () => lifetime.onStdoutGone(),
    onBacklog: (isFull) => (isFull ? daemon.pause() : daemon.resume()),
  });
  host.start();
  lifetime.start();
}

/** With a `problem` of the environment the host keeps what it would have without it, and each call says the problem. */
function locateOrWarn(env: Environment, name: string): { plain: Locations; problem?: AppError } | undefined {
  try {
    return { plain: locate(env, name) };
  } catch (error) {
    warn(describeError(error));
    if (!(error instanceof AppError) || error.code !== 'PATH_RELATIVE') return undefined; // a name that cannot be one
    const unset = Object.fromEntries(pathVariables.map((variable) => [variable, undefined]));
    return { plain: locate({ ...env, ...unset }, name), problem: error };
  }
}

/** `--alone`: a daemon of our own name, with the config of the name that was asked for. */
function chooseDaemon(
  { name, isAlone }: { name: string; isAlone: boolean },
  env: Environment,
  plain: Locations,
): { name: string; env: Environment; args: string[] } {
  if (!isAlone) return { name, env, args: [] };
  return {
    name: aloneName(process.pid),
    env: { ...env, MCPPROXY_CONFIG_PATH: plain.configPath },
    args: ['--alone'],
  };
}

function installLater(bundlePath: string, locations: Locations): void {
  const install = async () => {
    const { installStable } = await import('./install-stable.ts');
    await installStable({ bundlePath, locations, build: ownBuild });
  };
  setTimeout(
    () => void install().catch((error) => warn(`no launchers were installed: ${describeError(error)}`)),
    installDelayMs,
  ).unref();
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

/** stdout is the protocol; this is the place for everything else. Not process.stderr: making that stream costs 1 ms. */
function warn(text: string): void {
  try {
    writeSync(2, `mcp-proxy: ${plainLine(text.replaceAll('\n', ' |'))}\n`);
  } catch {
    // nobody listens; not a reason to end
  }
}

/** Into one buffer where it is a pipe or a socket, as under every host: each chunk is valid until `onChunk` returns. */
export function openStdin(onChunk: (chunk: Buffer) => void): Readable {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd: 0,
    readable: true,
    writable: false,
    onread: intoOneBuffer(onChunk),
  };
  try {
    return new Socket(options);
  } catch {
    return process.stdin.on('data', onChunk); // a file or a terminal, which a socket refuses
  }
}
