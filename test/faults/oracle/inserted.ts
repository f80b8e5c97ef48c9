/** Every inserted row of a call, for ever: a merge of `calls` collapses repeats, and here they stay countable. */
export const INSERTED = "oracle.inserted";
