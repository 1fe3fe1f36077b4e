// After a list went out: the ready-made answers on disk for the wrappers of the same project and mode follow.

import type { Log } from '../base/log.ts';
import { FaceWriter, type ShownFace } from '../catalog/face-writer.ts';
import { jointFace } from '../router/lists.ts';
import type { Router } from '../router/router.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';

export type ServedFaces = { onServed: (session: Session) => void; flush: () => void };

export function createServedFaces(deps: {
  facesDir: string;
  roster: Roster;
  router: () => Router;
  log: Log;
}): ServedFaces {
  const { roster, router } = deps;
  const faces = new FaceWriter(deps.facesDir, deps.log);
  return {
    flush: () => faces.flush(),
    onServed: ({ identity: { projectRoot, server, mode }, isClosed }) => {
      if (isClosed || server !== undefined) return;
      const session = roster.all().find(({ identity: one }) => {
        return one.projectRoot === projectRoot && one.server === undefined && one.mode === mode;
      });
      if (!session || !router().modes.isTypical(session)) return;
      const source = () => faceOf(router(), session);
      faces.schedule({ projectRoot, mode }, source);
      // A project that was never here gets what every project may see.
      const isForAll = router()
        .views.of(session)
        .servers.every(({ entry }) => entry.projects === undefined);
      if (isForAll) faces.schedule({ projectRoot: '', mode }, source);
    },
  };
}

function faceOf(router: Router, session: Session): ShownFace {
  const initialize = jointFace(router.views.of(session), router.modes.instructions(session));
  return { initialize, list: (list) => router.readyList(session, list) };
}
