// Words that carry no subject: English function words, and the phrases in which people wrap a request to an assistant.
// Stems, as the tokenizer makes them, are derived from this list by whoever uses it.

export const stopWords: readonly string[] = `
a about above after again all also am an and any anyone anything are around as at back be because been before being below
best better between both but by can cannot could did do does doing done down during each either else etc even ever every few
first for from further get gets getting give given giving go going good got great had has have having he hello help helps
her here hers him his how however i if in include included includes including into is it its itself just kind know let lets
like look looking looks lot make makes many may maybe me mean might more most much must my need needed needs never next no
nor not now of off ok okay on once one only onto or other others our out over own particular please possible provide
provided provides really regarding same say see shall she should show since so some somebody someone something still such
sure tell than thank thanks that the their theirs them then there these they thing things this those through thus to too
under until up upon us use used useful user uses using various very via want wanted wants was way we well were what
whatever when where whether which while who whom whose why will wish with within without would yes yet you your yours
according additionally also based briefly completion comprehensive currently detailed ensure finally furthermore
goal interested latest nbsp overall particularly perform recent recently result resulting results several specific specifically
today tomorrow tool tools understanding upon
`
  .trim()
  .split(/\s+/);
