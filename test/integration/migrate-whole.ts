// One whole migration of a home and its project `app`, with everything approved.
import { applyPlan } from '../../src/migrate/change/apply.ts';
import { makePlan } from '../../src/migrate/plan/make-plan.ts';
import { defaultPlanOptions } from '../../src/migrate/plan/plan-model.ts';
import { collectSources } from '../../src/migrate/programs/collect-sources.ts';
import type { World } from '../../src/migrate/world.ts';

export async function migrate(world: World): Promise<void> {
  const plan = () => {
    const base = {
      ...{ world, sources: collectSources(world, [`${world.home}/app`]) },
      ...{ findCopies: () => undefined, now: new Date() },
    };
    const accepted = makePlan({ ...base, options: defaultPlanOptions }).servers.flatMap((server) =>
      server.places.flatMap((place) => place.needsApproval ?? []),
    );
    return makePlan({ ...base, options: { ...defaultPlanOptions, accepted } });
  };
  await applyPlan(world, plan, { now: () => new Date(), startAndList: async () => ['tool'] });
}
