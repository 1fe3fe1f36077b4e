// The four lists of the protocol: what each is called where, for whoever asks, answers, joins or announces one.

export const listNames = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
export type ListName = (typeof listNames)[number];

type ListKind = {
  readonly method: string;
  /** Of the result: where the entries are. */
  readonly member: string;
  /** Of an entry: what tells it from the others. */
  readonly nameKey: string;
  /** Whoever declares it has the list; two lists share one. */
  readonly capability: 'tools' | 'prompts' | 'resources';
  /** Notification that it changed. */
  readonly changed: string;
};

export const listKinds: Readonly<Record<ListName, ListKind>> = {
  tools: kind('tools', 'tools/list', 'tools', 'name'),
  prompts: kind('prompts', 'prompts/list', 'prompts', 'name'),
  resources: kind('resources', 'resources/list', 'resources', 'uri'),
  resourceTemplates: kind('resources', 'resources/templates/list', 'resourceTemplates', 'uriTemplate'),
};

const byMethod: ReadonlyMap<string, ListName> = new Map(listNames.map((list) => [listKinds[list].method, list]));

/** The list that a request asks for. */
export function listOfMethod(method: string): ListName | undefined {
  return byMethod.get(method);
}

export function isListName(value: unknown): value is ListName {
  return listNames.some((list) => list === value);
}

function kind(capability: ListKind['capability'], method: string, member: string, nameKey: string): ListKind {
  return { method, member, nameKey, capability, changed: `notifications/${capability}/list_changed` };
}
