export { computeFeatures, computeSlices, describeCall, type DescribedCall } from "./describe-call.ts";
export { featureLabel } from "./feature-words.ts";
export { PREDICATE_WORDS } from "./predicate-words.ts";
export { inputFingerprint } from "./input-fingerprint.ts";
export { scanText, type TextScan } from "./scan-text.ts";
export { WordSet } from "./word-set.ts";
