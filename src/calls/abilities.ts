// Whether a session's program can be asked what a server asks: only what it declared, mode by mode.
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from '../base/guards.ts';
import { stringAt } from '../base/json-scan.ts';
import { memberAt, type RequestEnvelope } from '../mcp/envelope.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';

type Known = Pick<Instance, 'identity'>;

/** The capability that a program must declare to be asked this. */
export const capabilityOf: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** Why not, for the server's people; undefined: it can. */
export function whyUnable(session: Session, { method, line, params }: RequestEnvelope): string | undefined {
  const capability = capabilityOf[method];
  if (capability === undefined) return undefined;
  const declared = session.client?.capabilities[capability];
  const lacks = (what: string) => `the session's program does not offer ${what}`;
  if (declared === undefined) return lacks(capability);
  const modes = typeof declared === 'object' && declared !== null ? Object.keys(declared) : [];
  if (method === 'elicitation/create') {
    const mode = stringAt(line, memberAt(line, params, ['mode'])) ?? 'form';
    // Programs from before there were modes declare none and mean forms.
    const isOffered = mode === 'form' ? modes.length === 0 || modes.includes('form') : modes.includes(mode);
    return isOffered ? undefined : lacks(`elicitation by ${mode}`);
  }
  const wantsTools = method === 'sampling/createMessage' && memberAt(line, params, ['tools']) !== undefined;
  return wantsTools && !modes.includes('tools') ? lacks('sampling with tools') : undefined;
}

/**
 * What a 2026-07-28 server is told with a call of that session: what its program declared, and roots where we know them.
 * Only what has a meaning there; tasks of the sessions era are another protocol.
 */
export function capabilitiesFor(session: Session, instance: Known): Record<string, unknown> {
  const { elicitation, sampling, roots, experimental, extensions } = session.client?.capabilities ?? {};
  const others = isRecord(extensions)
    ? Object.fromEntries(Object.entries(extensions).filter(([name]) => name !== 'io.modelcontextprotocol/tasks'))
    : {};
  return {
    ...(elicitation === undefined ? {} : { elicitation }),
    ...(sampling === undefined ? {} : { sampling }),
    ...(roots === undefined && ownRoots(instance, session) === undefined ? {} : { roots: {} }),
    ...(experimental === undefined ? {} : { experimental }),
    ...(Object.keys(others).length === 0 ? {} : { extensions: others }),
  };
}

/**
 * Roots that need no question: a project's copy has its folder, and where sessions of several folders share it, each has
 * its own; a host without roots has the folder that it was opened in.
 */
export function ownRoots({ identity }: Known, session: Session | undefined): string | undefined {
  if (identity.spansFolders) return session?.identity.folder ? rootsOf(session.identity.folder) : undefined;
  if (identity.folder !== undefined) return rootsOf(identity.folder);
  if (identity.sharing !== 'session' || !session?.identity.folder) return undefined;
  return session.client?.capabilities['roots'] === undefined ? rootsOf(session.identity.folder) : undefined;
}

function rootsOf(folder: string): string {
  return JSON.stringify({ roots: [{ uri: pathToFileURL(folder).href, name: basename(folder) }] });
}
