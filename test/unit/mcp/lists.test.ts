import { describe, expect, it } from 'vitest';
import { isListName, listKinds, listNames, listOfMethod } from '../../../src/mcp/lists.ts';

describe('the four lists', () => {
  it.each([
    ['tools', 'tools/list', 'notifications/tools/list_changed', 'tools', 'name'],
    ['prompts', 'prompts/list', 'notifications/prompts/list_changed', 'prompts', 'name'],
    ['resources', 'resources/list', 'notifications/resources/list_changed', 'resources', 'uri'],
    [
      'resourceTemplates',
      'resources/templates/list',
      'notifications/resources/list_changed',
      'resources',
      'uriTemplate',
    ],
  ] as const)('%s: asked by %s, told by %s', (list, method, changed, capability, nameKey) => {
    expect(listKinds[list]).toEqual({ method, changed, capability, nameKey, member: list });
    expect(listOfMethod(method)).toBe(list);
  });

  it('are four, and nothing that every object has is one', () => {
    expect(listNames).toHaveLength(4);
    expect(['toString', '__proto__', 'constructor', '', undefined].some(isListName)).toBe(false);
    expect(listOfMethod('toString')).toBeUndefined();
  });
});
