// Whether a session's program can be asked what a server asks: only what it declared, mode by mode.
import { stringAt } from '../base/json-scan.ts';
import { memberAt, type RequestEnvelope } from '../mcp/envelope.ts';
import type { Session } from '../sessions/session.ts';

const capabilityOf: Readonly<Record<string, string>> = {
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
