/** Erasure of what people wrote: the list of it, and the rule that keeps a record from bringing it back. */
export { cleanRecord, mapTexts, TEXT_TOPICS } from "./clean-record.ts";
export { ErasureList } from "./erasure-list.ts";
export { createErasureFollower, FOLLOW_MS, type ErasureFollower } from "./follow-erasures.ts";
export { nameHash } from "./erased-names.ts";
export { subjectHash } from "./subject-hash.ts";
