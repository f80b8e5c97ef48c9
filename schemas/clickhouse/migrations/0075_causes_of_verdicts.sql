-- Why a call has no score, in a word that can be counted, and how much of its texts the judge read.

ALTER TABLE plumbline_raw.verdicts
    ADD COLUMN IF NOT EXISTS cause LowCardinality(String) DEFAULT '' COMMENT 'kind of reason why there is no score, such as no_evidence; empty when scored, and before this was kept' AFTER reason,
    ADD COLUMN IF NOT EXISTS input_chars Nullable(UInt32) COMMENT 'characters of the input when the judge read only its head and tail; null when it read the texts whole' AFTER cause,
    ADD COLUMN IF NOT EXISTS input_judged_chars Nullable(UInt32) COMMENT 'characters of the input that the judge read; null when it read the texts whole' AFTER input_chars,
    ADD COLUMN IF NOT EXISTS output_chars Nullable(UInt32) COMMENT 'characters of the output when the judge read only its head and tail; null when it read the texts whole' AFTER input_judged_chars,
    ADD COLUMN IF NOT EXISTS output_judged_chars Nullable(UInt32) COMMENT 'characters of the output that the judge read; null when it read the texts whole' AFTER output_chars;
