-- Which runs of offsets of [from, to] of one partition of one log are not stored completely: the row of the call and,
-- where texts were captured, the row of its texts? Both ends are inclusive.
SELECT
    neighbours.1 + 1 AS from,
    neighbours.2 - 1 AS to
FROM (
    SELECT arrayJoin(
        arrayZip(
            arrayPushFront(offsets, toInt64({from:UInt64}) - 1),
            arrayPushBack(offsets, toInt64({to:UInt64}) + 1)
        )
    ) AS neighbours
    FROM (
        SELECT arraySort(groupArray(log_offset)) AS offsets
        FROM (
        SELECT DISTINCT toInt64(log_offset) AS log_offset
        FROM plumbline_raw.calls
        WHERE log_epoch = {log_epoch:UInt16}
          AND log_partition = {log_partition:UInt16}
          AND log_offset >= {from:UInt64}
          AND log_offset <= {to:UInt64}
          AND (
              NOT has_payload
              OR log_offset IN (
                  SELECT log_offset
                  FROM plumbline_raw.call_payloads
                  WHERE log_epoch = {log_epoch:UInt16}
                    AND log_partition = {log_partition:UInt16}
                    AND log_offset >= {from:UInt64}
                    AND log_offset <= {to:UInt64}
              )
          )
        )
    )
)
WHERE neighbours.2 - neighbours.1 > 1
ORDER BY from
