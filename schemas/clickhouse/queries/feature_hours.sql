-- How were the features of inputs and outputs distributed, hour by hour, per version and slice? Counts, never rows.
-- Window: half-open [start, end) of event time, UTC; the caller asks for whole hours. Repeats of a call count once.
-- use_cases with their tenants, place by place, are a page of use cases; empty for all of them.
-- Slice '' is all calls; 'cell=…' divides the calls by money and length of the input, to match mixes; the rest are the
-- slices of the call. Input features are counted in all calls only.
-- One row per version and hour; its cells are triples (slice, feature, counts), since a row of each would repeat the names
-- of use case and version hundreds of times.
-- counts are pairs (bin, calls): bin 0 is zero, else a quarter of an octave, bin 65 beginning at 1. The pseudo-feature
-- 'calls' counts calls in bin 0, so that what lacks a feature is known.
-- Left out: the slices model=…, which say who answered and not what was asked.
SELECT
    tenant,
    env,
    use_case,
    prompt_version,
    hour,
    arraySort(groupArray((slice, feature, counts))) AS cells
FROM (
    SELECT
        tenant,
        env,
        use_case,
        prompt_version,
        hour,
        slice,
        feature,
        groupArray((bin, calls)) AS counts
    FROM (
        SELECT
            tenant,
            env,
            use_case,
            prompt_version,
            hour,
            slice,
            feature,
            if(value <= 0, 0, toUInt8(greatest(1, least(160, floor(log2(value) * 4) + 65)))) AS bin,
            count() AS calls
        FROM (
            SELECT
                tenant,
                env,
                use_case,
                prompt_version,
                toStartOfHour(started_at) AS hour,
                arrayJoin(arrayConcat(
                    [
                        '',
                        concat(
                            'cell=',
                            if(has(slices, 'mentions_money'), 'money ', 'other '),
                            arrayFirst(name -> startsWith(name, 'input_length='), arrayMap(name -> toString(name), slices))
                        )
                    ],
                    arrayFilter(name -> NOT startsWith(name, 'model='), arrayMap(name -> toString(name), slices))
                )) AS slice,
                arrayConcat(['calls'], arrayMap(name -> toString(name), mapKeys(features))) AS names,
                arrayConcat([toFloat64(0)], mapValues(features)) AS numbers
            FROM plumbline_raw.calls FINAL
            WHERE started_at >= {start:DateTime64(3, 'UTC')}
              AND started_at < {end:DateTime64(3, 'UTC')}
              AND (
                  empty({use_cases:Array(String)})
                  OR (tenant, use_case) IN (
                      SELECT
                          asked.1,
                          asked.2
                      FROM (
                          SELECT arrayJoin(arrayZip({tenants:Array(String)}, {use_cases:Array(String)})) AS asked
                      )
                  )
              )
        )
        ARRAY JOIN
            names AS feature,
            numbers AS value
        WHERE feature = 'calls'
           OR startsWith(feature, 'out_')
           OR (slice = '' AND startsWith(feature, 'in_'))
        GROUP BY
            tenant,
            env,
            use_case,
            prompt_version,
            hour,
            slice,
            feature,
            bin
    )
    GROUP BY
        tenant,
        env,
        use_case,
        prompt_version,
        hour,
        slice,
        feature
)
GROUP BY
    tenant,
    env,
    use_case,
    prompt_version,
    hour
ORDER BY
    hour,
    tenant,
    env,
    use_case,
    prompt_version
