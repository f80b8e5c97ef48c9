export { describeCall, type DescribedCall, isTextSlice } from "./describe-call.ts";
export { clip, cutMiddle } from "./cut-text.ts";
export { featureLabel, PREDICATE_WORDS } from "./words.ts";
export { inputFingerprint } from "./input-fingerprint.ts";
export { scanText, type TextScan } from "./scan-text.ts";
export { WordSet } from "./word-set.ts";
