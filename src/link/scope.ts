// Who may share one run folder. A container or another machine that sees the same home is another scope: its lock, its
// pids and its sockets mean nothing here, so it gets a sub-folder and nobody touches what belongs to another.
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createFileExclusive, readFileIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { readSystemFile } from '../base/system-file.ts';

export type MachineScope = { machine: string; boot: string; pidNamespace: string; netNamespace: string; host: string };

export function ownScope(): MachineScope {
  return {
    // A machine without an id is known by its host name alone.
    machine: readSystemFile('/etc/machine-id').trim() || hostname(),
    boot: readSystemFile('/proc/sys/kernel/random/boot_id').trim(),
    pidNamespace: link('/proc/self/ns/pid'),
    netNamespace: link('/proc/self/ns/net'),
    host: hostname(),
  };
}

/**
 * The sub-folder of `runRoot` for this scope, or undefined if `runRoot` itself is ours. Claims a free one.
 * A dead boot of this machine left nothing alive, so its folder is taken over.
 */
export function claimScope(runRoot: string, scope: MachineScope = ownScope()): string | undefined {
  ensurePrivateDir(runRoot);
  const path = join(runRoot, 'scope');
  const mine = `${JSON.stringify(scope)}\n`;
  const found = readFileIfPresent(path);
  if (found === mine) return undefined;
  if (found === undefined && createFileExclusive(path, mine)) return undefined;
  const owner = parseScope(found ?? readFileIfPresent(path));
  if (owner && isSame(owner, scope)) return undefined;
  if (owner && owner.machine === scope.machine && owner.boot !== scope.boot) {
    writeFileAtomic(path, mine);
    return undefined;
  }
  return scopeFolder(scope);
}

/** Like claimScope, but writes nothing: for commands that only look. */
export function findScope(runRoot: string, scope: MachineScope = ownScope()): string | undefined {
  const owner = parseScope(readFileIfPresent(join(runRoot, 'scope')));
  if (!owner || isSame(owner, scope)) return undefined;
  return owner.machine === scope.machine && owner.boot !== scope.boot ? undefined : scopeFolder(scope);
}

function scopeFolder(scope: MachineScope): string {
  const identity = [scope.machine, scope.boot, scope.pidNamespace, scope.netNamespace].join('\0');
  return `scope-${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`;
}

/** The host name is left out: a laptop changes it with the network. */
function isSame(a: MachineScope, b: MachineScope): boolean {
  return (
    a.machine === b.machine &&
    a.boot === b.boot &&
    a.pidNamespace === b.pidNamespace &&
    a.netNamespace === b.netNamespace
  );
}

function parseScope(text: string | undefined): MachineScope | undefined {
  if (text === undefined || text.length > 4_096) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const field = (key: keyof MachineScope) => {
      const found: unknown = Reflect.get(value, key);
      return typeof found === 'string' ? found : '';
    };
    return {
      machine: field('machine'),
      boot: field('boot'),
      pidNamespace: field('pidNamespace'),
      netNamespace: field('netNamespace'),
      host: field('host'),
    };
  } catch {
    return undefined; // not ours to repair: whoever cannot read it uses a folder of its own
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // not Linux
  }
}
