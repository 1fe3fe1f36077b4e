// "Ask first": the answer of a 2026-07-28 server that needs something of the program before it can go on. The same
// request is then sent anew with what was answered and with the server's state, which is its own secret.
import { type Edit, isObjectAt, objectMembers, stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';

export type InputRequest = {
  /** As the server named it. */
  name: string;
  method: string;
  /** JSON text of an object. */
  params: string;
};

export type InputRequired = {
  requests: readonly InputRequest[];
  /** JSON text, repeated byte for byte. */
  state: string | undefined;
};

/** The three things that a program can be asked for. */
const askable: ReadonlySet<string> = new Set(['elicitation/create', 'sampling/createMessage', 'roots/list']);

export function isInputRequired({ line, result }: ResponseEnvelope): boolean {
  if (!result || !line.includes('input_required')) return false;
  return stringAt(line, memberAt(line, result, ['resultType'])) === 'input_required';
}

/** What is asked; a text instead says what is wrong with the question. */
export function readInputRequired({ line, result }: ResponseEnvelope): InputRequired | string {
  const stateAt = memberAt(line, result, ['requestState']);
  const asked = memberAt(line, result, ['inputRequests']);
  if (stateAt && stringAt(line, stateAt) === undefined) return 'its requestState is no text';
  if (asked && !isObjectAt(line, asked)) return 'its inputRequests are no object';
  if (!asked && !stateAt) return 'it names neither inputRequests nor requestState';
  const requests: InputRequest[] = [];
  for (const { key, value } of asked ? objectMembers(line, asked) : []) {
    const method = stringAt(line, memberAt(line, value, ['method']));
    const params = memberAt(line, value, ['params']);
    if (method === undefined || !askable.has(method)) return `"${key}" asks for ${method ?? 'nothing'}`;
    requests.push({ name: key, method, params: isObjectAt(line, params) ? textAt(line, params) : '{}' });
  }
  return { requests, state: stateAt && textAt(line, stateAt) };
}

export type InputAnswers = {
  /** JSON text of each answer by the server's name for the question; absent: nothing was asked. */
  responses: ReadonlyMap<string, string> | undefined;
  state: string | undefined;
};

/** Puts them into the request that is sent anew. */
export function answerEdits({ line, params }: RequestEnvelope, { responses, state }: InputAnswers): Edit[] {
  if (!isObjectAt(line, params)) return [];
  const members: string[] = [];
  if (responses) {
    const texts = [...responses].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
    members.push(`"inputResponses":{${texts.join(',')}}`);
  }
  if (state !== undefined) members.push(`"requestState":${state}`);
  if (members.length === 0) return [];
  const tail = objectMembers(line, params).length > 0 ? ',' : '';
  const at = { start: params.start + 1, end: params.start + 1 };
  return [{ at, with: `${members.join(',')}${tail}` }];
}

/** Programs of revisions with sessions expect an id with a page to open; 2026-07-28 has none. */
export function withElicitationId(params: string, id: string): string {
  const line = Buffer.from(params);
  const whole = { start: 0, end: line.length };
  const isPage = stringAt(line, memberAt(line, whole, ['mode'])) === 'url';
  if (!isPage || memberAt(line, whole, ['elicitationId'])) return params;
  return `{"elicitationId":${JSON.stringify(id)},${params.slice(1).trimStart()}`;
}
