// Answers without a daemon: initialize and lists from the face that the daemon left on disk, else from nothing.
import { isRecord } from '../base/guards.ts';
import { ownBuild } from '../link/build.ts';
import { commonFacePath, type Face, facePath, readFace } from '../link/faces.ts';
import { findProjectRoot } from '../link/project-root.ts';
import type { ListName } from '../mcp/lists.ts';

export type FacePlace = {
  facesDir: string;
  projectDir: string;
  home: string;
  server: string | undefined;
  mode: string | undefined;
};

const knownVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const latestVersion = '2025-11-25';

/** The etag of a list that was empty for want of a face: equal to no real one, so the daemon corrects it. */
const noEtag = 'none';

/** InitializeResult as JSON. `paramsText` is the host's own. */
export function initializeWithoutDaemon(source: FacePlace, paramsText: string | undefined): string {
  const result = findFace(source)?.initialize ?? {
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    },
    serverInfo: { name: 'mcp-proxy', version: ownBuild.version },
    instructions: 'The shared MCP servers are still starting. Their tools appear as soon as they are ready.',
  };
  return JSON.stringify({ protocolVersion: negotiate(paramsText), ...result });
}

export function listWithoutDaemon(source: FacePlace, list: ListName): { result: string; etag: string } {
  const known = findFace(source)?.lists[list];
  if (known && isRecord(known.result)) return { result: JSON.stringify(known.result), etag: known.etag };
  return { result: `{"${list}":[]}`, etag: noEtag };
}

function findFace({ facesDir, projectDir, home, server, mode }: FacePlace): Face | undefined {
  const projectRoot = findProjectRoot(projectDir, home);
  const own = projectRoot ? readFace(facePath(facesDir, { projectRoot, server, mode })) : undefined;
  return own ?? readFace(commonFacePath(facesDir, { server, mode }));
}

function negotiate(paramsText: string | undefined): string {
  const params: unknown = paramsText === undefined ? undefined : JSON.parse(paramsText);
  const wanted = isRecord(params) ? params['protocolVersion'] : undefined;
  return knownVersions.find((version) => version === wanted) ?? latestVersion;
}
