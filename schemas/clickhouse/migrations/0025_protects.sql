-- A guardrail may protect more than the answer: a fall of safety or of personal data is the most urgent there is.

ALTER TABLE plumbline_raw.verdicts
    ADD COLUMN IF NOT EXISTS protects LowCardinality(String) DEFAULT '' COMMENT 'safety or personal_data: what the guardrail is for, beyond the answer; empty for the answer itself' AFTER is_guardrail;
