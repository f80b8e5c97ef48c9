/**
 * Every sentence of an alert, by the question that it answers to somebody who was woken by it. One table, so that the wording
 * is reviewed as a whole: at most 30 words a sentence, no name of a metric, nothing that has to be looked up.
 *
 * Values come as people read them. Steps are imperatives without a full stop, since they end the notification as well.
 */

/** What to do first. */
export const steps = {
  rollBack: (to: string) => `Roll back to ${to}`,
  lookAtInputs: "Look at what users send; a rollback does not help",
  lookUpstream: "Look at the model and its provider; a rollback does not help",
  checkProvider: "Check the provider; roll back if it is well",
  checkLatency: "Check the provider, then the length of the prompt and of its answers",
  checkPrimary: "Check the main model; users get substitute answers",
  checkPrefix: "Find what changes at the beginning of the prompt",
  moveFixedText: "Move the fixed text of the prompt ahead of what varies",
  findUncached: "Find what is sent ahead of the prompt, or ask the provider for caching",
  checkCost: "Check the length of prompt and answers, and retries",
  checkCases: "Check whether the eval set still covers what users send",
  readAnswers: "Read answers of both versions side by side",
  readAnswersOverTime: "Read answers from before and after, and look for a changed model",
  recalibrate: "Compare the judge with people's labels before trusting its scores",
  restoreJudging: "Get the judge going again; quality is unknown until then",
  doctorVerdicts: "Run npx @plumbline/cli doctor to see which verdicts are missing",
  checkSampling: "Check the share of calls that is judged; quality is unknown until then",
  doctorTraffic: "Check the application, then run npx @plumbline/cli doctor",
  sendTemplateVersion: "Send the version of the prompt's template, not a hash of the finished prompt",
  sendFeatureName: "Send the name of the feature as the use case, and ids as attributes",
  readMonitorLog: "Read the monitor's log and the store's; nothing is watched until then",
  doctorStore: "Run npx @plumbline/cli doctor to see what was not stored",
  someoneIsOnIt: (who: string) => `${who} is on it`,
  quietUntil: (moment: string) => `Quiet until ${moment}`,
  watching: "Watch whether it recovers",
  wayOutWatching: (wayOut: string) => `${wayOut}, watching`,
  nothing: "Nothing to do",
  notARegression: (who: string) => `Not a regression, says ${who}`,
} as const;

/** What got worse: the headline, and the numbers under it. */
export const worse = {
  fell: (what: string, before: string, now: string, version: string) =>
    `${what} fell from ${before} to ${now} on ${version}`,
  rose: (what: string, before: string, now: string, version: string) =>
    `${what} rose from ${before} to ${now} on ${version}`,
  stands: (what: string, now: string, version: string) => `${what} is ${now} on ${version}`,
  fellBy: (what: string, size: string) => `${what} fell by ${size}.`,
  roseBy: (what: string, size: string) => `${what} rose by ${size}.`,
  stillIs: (what: string, now: string) => `${what} is ${now}.`,
  pairs: (pairs: string, version: string, before: string) =>
    `${several(pairs, "request")} answered and judged under ${before} and under ${version} alike.`,
  slower: (share: string, limit: string, before: string, version: string) =>
    `slower: ${share} of calls take longer than ${limit} on ${version}, before ${before}`,
  uncached: (version: string) => `nothing of ${version}'s prompt is read from the provider's cache`,
  inputsMoved: (moved: string) => `users send something else: ${moved}`,
  answersChanged: (version: string, moved: string) => `answers of ${version} changed: ${moved}`,
  answersChangedAlone: (version: string, moved: string) =>
    `answers of ${version} changed though nobody deployed: ${moved}`,
  moved: (what: string, before: string, now: string) =>
    before === now ? `${what} changed` : `${what} went from ${before} to ${now}`,
  movedOnAverage: (what: string, before: string, now: string) =>
    `${what} went from ${before} to ${now} on average`,
  movedUnmeasured: (what: string) => `${what} changed`,
  textsMoved: (requests: string) => `${requests} read differently from those before`,
  judgeChanged: (now: string, before: string) =>
    `the judge changed: it repeats ${now} of its earlier verdicts, before ${before}`,
  typicalCost: (times: string) => `A typical call costs ${times} times as much as before.`,
  degraded: (share: string) =>
    `${share} of the calls since then got another model, an old answer, a fixed text or an error.`,
  failures: "A failed call ended in an error, a timeout, a rate limit, an unusable answer or a refusal.",
  slowLimit: (limit: string) => `Before, 95% of calls took at most ${limit}.`,
  cachedCalls: (least: string) =>
    `A call counts as cached when ${least} came from the provider's cache. The rest is paid for in full.`,
  nothingOfQuality: "Whether the answers got worse is not known from this.",
  alarmsHeld: "Alarms about quality of this use case are held back until the judge is trusted again.",
} as const;

/** For whom. */
export const whom = {
  only: (requests: string) => `only ${requests}`,
  most: (requests: string) => `most for ${requests}`,
  everybody: "for everybody alike",
  unknown: "for whom is not known yet",
  inSlice: (requests: string) => `for ${requests}`,
  onlySentence: (requests: string, before: string, now: string) =>
    `Only ${requests} got worse, from ${before} to ${now}.`,
  onlyName: (requests: string) => `Only ${requests} got worse.`,
  mostSentence: (requests: string, before: string, now: string) =>
    `Everybody got worse answers, ${requests} the most: from ${before} to ${now}.`,
  mostName: (requests: string) => `Everybody got worse answers, ${requests} the most.`,
  carries: (traffic: string, share: string) =>
    `They are ${traffic} of the calls and make up ${share} of the fall.`,
  uniform: "All kinds of requests got worse alike.",
  computing: "For whom is still being computed.",
  moreNeeded: (more: string) => `For whom is not known yet; about ${more} more judged answers will tell.`,
  tooFew: (judged: string) => `For whom is not known: ${judged} judged answers are too few to tell.`,
  noKinds: "For whom is not known: these requests differ in nothing that is measured.",
  noBaseline: "For whom is not known: too few answers were judged before this version.",
  smallBaseline: (judged: string) =>
    `For whom will stay unknown: only ${judged} answers were judged before this version.`,
  judgeMore: "Judge more of them before the next deploy.",
  also: (list: string) => `Also worse, and partly the same calls: ${list}.`,
  moreKinds: (count: string) => `others (${count})`,
} as const;

/** How many calls and people. */
export const affected = {
  answers: (count: string, low: string, high: string, calls: string) =>
    `About ${count} of ${calls} answers are worse than before (${low} to ${high}).`,
  failures: (count: string, low: string, high: string, calls: string) =>
    `About ${count} of ${calls} calls failed that would not have before (${low} to ${high}).`,
  slow: (count: string, low: string, high: string, calls: string) =>
    `About ${count} of ${calls} calls were slow that would not have been before (${low} to ${high}).`,
  substitutes: (count: string, low: string, high: string, calls: string) =>
    `About ${count} of ${calls} calls got another answer than the main model's (${low} to ${high} more than before).`,
  uncached: (count: string, low: string, high: string, calls: string) =>
    `About ${count} of ${calls} calls were paid for in full (${low} to ${high} more than before).`,
  dollars: (dollars: string, low: string, high: string, calls: string) =>
    `${calls} cost about ${dollars} more (${low} to ${high}).`,
  ofTheDay: (share: string, calls: string) =>
    `That is ${share} of the last day's ${nounAfter(calls, "call")}.`,
  people: (count: string, requests: string) => `${count} users sent ${requests} since then.`,
} as const;

/** Since when. */
export const since = {
  deploy: (moment: string, version: string) => `Since ${moment}, when ${version} was first called.`,
  later: (moment: string) => `Since about ${moment}, when nobody deployed.`,
  about: (moment: string) => `Since about ${moment}.`,
  window: (start: string, end: string) => `Seen from ${start} to ${end}.`,
} as const;

/** What changed, and what did not. */
export const changed = {
  prompt: (version: string, author: string, commit: string, lines: string) =>
    `${version} is ${author}'s change${commit}: ${lines}.`,
  commit: (commit: string) => ` (commit ${commit})`,
  lines: (added: number, removed: number) => {
    const parts = [
      ...(added === 0 ? [] : [`${count(added, "line")} added`]),
      ...(removed === 0 ? [] : [`${count(removed, "line")} removed`]),
    ];
    return parts.join(", ");
  },
  fields: (fields: string) => `${fields} changed`,
  samePrompt: "The prompt is the same.",
  providerModel: (now: string, before: string) => `The provider answers with ${now} in place of ${before}.`,
  models: (now: string, before: string) =>
    `The provider answers with ${now}; the day before, with ${before}.`,
  sameModel: "Same prompt, and the provider names the same model as before.",
  nobodyDeployed: "Nobody deployed; the model, its provider or what users send changed.",
  ownPast: (version: string) => `Nobody deployed: ${version} is compared with its own first weeks.`,
  withVersion: "The answers changed with the deploy.",
  bothFell: (before: string) => `${before} got worse in the same hours, so the deploy is not the cause.`,
  coincides: "The deploy is not the cause.",
  inputs: "What users send changed, not the prompt.",
  inputShift: (requests: string, before: string, now: string, points: string) =>
    `${requests} went from ${before} to ${now} of the calls, which explains ${points}.`,
  wholeFall: (points: string) => `more than the whole fall of ${points} points`,
  partOfFall: (points: string, total: string) => `${points} of the ${total} points lost`,
  sliceHeld: "Within each kind of request the answers are as good as before.",
  sliceFellToo: "Within each kind of request the answers fell a little as well.",
  sideBySide: (before: string, size: string, chance: string) =>
    `In the same hours it answers ${size} ${before}${chance}.`,
  better: (points: string) => `${points} points better than`,
  worseBy: (points: string) => `${points} points worse than`,
  same: "as well as",
  beyondChance: ", which chance does not explain",
  maybeChance: ", which may be chance",
  judgeAlone: "The answers did not change, the judge did; its scores before and after do not compare.",
  beginsVarying: (least: string) =>
    `It begins with what varies; the provider caches from ${least} fixed tokens on.`,
  fixedPart: (fixed: string, least: string) =>
    `Its first ${fixed} tokens never vary; the provider caches from ${least} on.`,
  allFixed: (all: string) => `With all fixed text in front it would be ${all} tokens.`,
  notRead: "Something that varies is sent ahead of it, or caching is not asked for.",
} as const;

/** What is as before. */
export const normal = {
  asBefore: (list: string) => `As before: ${list}.`,
} as const;

/** Examples. */
export const examples = {
  title: (score: string) => `Example, scored ${score} by the judge`,
  request: (text: string) => `Request: ${text}`,
  answer: (version: string, text: string) => `${version} answered: ${text}`,
} as const;

/** How it ended, or how far it is. */
export const ending = {
  progressJudged: (count: string, least: string) => `${count} of ${least} judged answers so far`,
  progressCalls: (count: string) => `${nounAfter(count, "call")} so far`,
  at: (measured: string) => `, at ${measured}`,
  falseAlarm: (who: string, why: string) =>
    `Not a regression, says ${who}: ${why}. Recorded as a false alarm.`,
  found: (moment: string) => `Firing, found ${moment}`,
} as const;

/** Small print: how sure, from what, and what the versions' hashes are. */
export const footnote = {
  certainty: (interval: string, level: string) =>
    `How sure: with ${level} certainty the change is ${interval}, however often one looks.`,
  level: (interval: string, level: string) =>
    `How sure: with ${level} certainty it is ${interval}, however often one looks.`,
  judged: (judged: string, judge: string) => `${judged} answers were judged by ${judge}.`,
  notSureYet: "The test that decides is surer than this range, which includes no change.",
  wordChecks: "The judge checks words and numbers; no language model reads the answers.",
  neverCompared: (labels: string, least: string) =>
    `This judge was not compared with people yet: ${labels} of ${least} labels.`,
  notCalibrated: (why: string) => `This judge does not match people's labels well enough: ${why}.`,
  agreement: (kappa: string, labels: string) =>
    `It agrees with people at ${kappa}, where 1 is always and 0 is chance (${labels} labels).`,
  calibrated: (labels: string) => `It was compared with ${labels} labels of people.`,
  corrected: (points: string, low: string, high: string) =>
    `Without the judge's own errors the change is ${points} points (${low} to ${high}).`,
  moveSize: (size: string, low: string, high: string, usual: string) =>
    `The move measures ${size} (${low} to ${high}); 0 is none, and up to ${usual} is usual.`,
  readApart: (share: string, low: string, high: string, usual: string) =>
    `A program tells a new text from an earlier one in ${share} of pairs (${low} to ${high}); chance is 50%, up to ${usual} is usual.`,
  counted: (calls: string) => `Counted from ${calls}.`,
  repeated: (answers: string) => `${answers} stored answers were judged again.`,
  dataUntil: (moment: string) => `Data until ${moment}.`,
} as const;

/** Coverage: what is not known, which never says that it is bad. */
export const unknown = {
  waiting: (count: string, of: string) => `${count} of ${of} answers picked for judging wait for the judge`,
  unscored: (count: string, of: string) =>
    `the judge scored ${count} of the ${nounAfter(of, "answer")} it was given`,
  notAddingUp: (of: string) => `the judge's results for ${nounAfter(of, "answer")} do not add up`,
  noneSelected: (calls: string) => `none of ${calls} was picked for judging`,
  silent: (duration: string, usual: string) => `no calls for ${duration}, where about ${usual} are usual`,
  manyVersions: (share: string, most: string) =>
    `${share} of calls carry more than the ${most} prompt versions that a day may have`,
  manyUseCases: (calls: string, most: string) =>
    `${calls} carry more than the ${most} use cases that a day may have`,
  notWatched: "the monitor did not look",
  notStored: (count: string) => `${several(count, "record")} not stored`,
  qualityUnknown: "Nobody knows how good these answers are.",
  states: (list: string) => `Of them ${list}.`,
  oldest: (moment: string) => `The oldest waits since ${moment}.`,
  mostOften: (why: string) => `Most often ${why}.`,
  lostVerdict: "A verdict was lost or counted twice.",
  lastCall: (moment: string) => `The last call was at ${moment}.`,
  usualHours: {
    config: (zone: string) => `What is usual goes by the clock of ${zone}, its time zone.`,
    traffic: (zone: string) => `What is usual goes by the clock of ${zone}, as its calls show.`,
    default: (zone: string) => `What is usual goes by the clock of ${zone}; no time zone is set.`,
  },
  silence: "Either nobody uses it, or its calls are lost.",
  stopped: "The application, its reporting or the collector stopped.",
  carriedBy: (count: string, calls: string) => `${count} of ${calls} are not told apart.`,
  sentBy: (who: string, what: string) => `${who} sends ${what}.`,
  versionsWithoutEnd: "a new prompt version with nearly every call, such as a hash of the finished prompt",
  useCasesWithoutEnd: "a new use case with nearly every call, such as one with an id in its name",
  nothingMeasured: "Nothing is measured of the rest.",
  jobs: (list: string) => `It could not do this: ${list}.`,
  error: (error: string) => `It says: ${error.replace(/\.$/, "")}.`,
  lastSuccess: (moment: string) => `It last succeeded at ${moment}.`,
  neverSucceeded: "It has not succeeded yet.",
  writerWentPast: "They are in the log and in no table, and the writer does not come back to them.",
  places: (list: string) => `They are in ${list}.`,
} as const;

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** `1 call`, `20 calls`. */
function nounAfter(count: string, noun: string): string {
  return `${count} ${noun}${count === "1" ? "" : "s"}`;
}

/** `1 record was`, `20 records were`. */
function several(count: string, noun: string): string {
  return `${nounAfter(count, noun)} ${count === "1" ? "was" : "were"}`;
}
