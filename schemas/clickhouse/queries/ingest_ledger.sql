-- What do finished batches say about each partition of the log, and does the store bear them out?
-- Window: batches noted in [start, end); they are notes for people and for the scan for gaps, and a killed writer may lose
-- the newest ones, so a run of offsets between two notes is only a suspicion.
-- The last offset that was noted before the window stands for what came before: what lies between it and the first batch of
-- the window is a hole like any other, such as the one that a log's retention leaves behind a stopped writer.
-- Recoveries note a range anew, whole or in pieces. Only what a note adds beyond the notes before it counts, and of a
-- note that overlaps them the offsets that did not become rows don't: too little is explained rather than too much, and
-- what is not explained is looked at record by record.
-- stored: distinct offsets of the range that are rows; null for topics whose tables replace rows of the same key.
WITH
    noted AS (
        SELECT
            topic,
            log_partition,
            from_offset,
            to_offset,
            argMax(duplicates, written_at) AS repeats,
            argMax(dead_letters, written_at) AS letters
        FROM plumbline_raw.ingest_audit
        WHERE written_at >= {start:DateTime64(3, 'UTC')}
          AND written_at < {end:DateTime64(3, 'UTC')}
          AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
        GROUP BY topic, log_partition, from_offset, to_offset
        UNION ALL
        SELECT
            topic,
            log_partition,
            max(earlier.to_offset) AS from_offset,
            max(earlier.to_offset) AS to_offset,
            0 AS repeats,
            0 AS letters
        FROM plumbline_raw.ingest_audit AS earlier
        WHERE written_at < {start:DateTime64(3, 'UTC')}
          AND written_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 40 DAY
          AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
        GROUP BY topic, log_partition
    ),
    ordered AS (
        SELECT
            topic,
            log_partition,
            from_offset,
            to_offset,
            repeats,
            letters,
            row_number() OVER earlier AS position,
            max(to_offset) OVER (
                PARTITION BY topic, log_partition ORDER BY from_offset ASC, to_offset DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS end_before
        FROM noted
        WINDOW earlier AS (PARTITION BY topic, log_partition ORDER BY from_offset ASC, to_offset DESC)
    ),
    ledger AS (
        SELECT
            topic,
            log_partition,
            min(from_offset) AS first_offset,
            max(to_offset) AS last_offset,
            sumIf(repeats + letters, position = 1 OR from_offset > end_before) AS explained,
            arraySlice(
                groupArrayIf((end_before + 1, from_offset - 1), position > 1 AND from_offset > end_before + 1),
                -1000
            ) AS holes
        FROM ordered
        GROUP BY topic, log_partition
    )
SELECT
    ledger.topic AS topic,
    ledger.log_partition AS log_partition,
    first_offset,
    last_offset,
    explained,
    holes,
    if(topic = 'plumbline.calls', offsets, NULL) AS stored
FROM ledger
LEFT JOIN (
    SELECT
        calls.log_partition AS log_partition,
        uniqExact(log_offset) AS offsets
    FROM plumbline_raw.calls AS calls
    INNER JOIN (
        SELECT
            log_partition,
            first_offset,
            last_offset
        FROM ledger
        WHERE topic = 'plumbline.calls'
    ) AS noted_calls ON noted_calls.log_partition = calls.log_partition
    WHERE log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
      AND log_offset >= first_offset
      AND log_offset <= last_offset
      AND log_offset >= (SELECT min(first_offset) FROM ledger WHERE topic = 'plumbline.calls')
    GROUP BY calls.log_partition
) AS stored ON stored.log_partition = ledger.log_partition
ORDER BY topic, log_partition
