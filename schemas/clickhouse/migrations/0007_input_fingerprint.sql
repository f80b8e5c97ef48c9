-- The same input judged under two versions is a pair. The fingerprint outlives the text, which expires after 30 days.

ALTER TABLE plumbline_raw.verdicts
    ADD COLUMN IF NOT EXISTS input_fingerprint String DEFAULT '' COMMENT 'equal for calls of one use case with the same input, white space and case aside; empty without a text';
