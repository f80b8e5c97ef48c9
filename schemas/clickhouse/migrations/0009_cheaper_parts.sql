-- What a part costs whoever writes and merges it; a trickle of calls makes ten parts a second.
--
-- The engine would keep statistics of every column of every part for its planner, and no query here is planned by them.
-- The files of small skip indexes are bundled into one. By default five small parts are merged at once, and while a table is
-- young its largest part with them, so that every few inserts rewrite it whole; from ten on the large part is left out.

ALTER TABLE plumbline_raw.calls MODIFY SETTING auto_statistics_types = '', packed_skip_index_max_bytes = 65536, min_parts_to_merge_at_once = 10, merge_selector_base = 10;
ALTER TABLE plumbline_raw.call_payloads MODIFY SETTING auto_statistics_types = '', packed_skip_index_max_bytes = 65536, min_parts_to_merge_at_once = 10, merge_selector_base = 10;
ALTER TABLE plumbline_raw.verdicts MODIFY SETTING auto_statistics_types = '', packed_skip_index_max_bytes = 65536, min_parts_to_merge_at_once = 10, merge_selector_base = 10;
ALTER TABLE plumbline_raw.ingest_audit MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.feedback MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.incidents MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.registry_events MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.baseline_snapshots MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.evidence_hourly MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.drift_results MODIFY SETTING auto_statistics_types = '';
ALTER TABLE plumbline_raw.quality_states MODIFY SETTING auto_statistics_types = '';
