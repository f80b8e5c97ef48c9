-- Dead letters are told apart by the offset of the original record, which means something only in its log.

ALTER TABLE plumbline_raw.dead_letters
    ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the row and the original record came from, by log_bindings',
    MODIFY ORDER BY (topic, partition, offset, type, log_epoch);
