SELECT
    version() AS version,
    toUnixTimestamp64Milli(now64(3)) AS now_ms,
    (
        SELECT groupUniqArray(object)
        FROM plumbline.data_dictionary
        WHERE object IN {views:Array(String)}
    ) AS views,
    (
        SELECT groupUniqArray(use_case)
        FROM plumbline.incidents_v1
        WHERE metric = 'stored_share'
          AND last_event NOT IN ('recovered', 'dismissed')
    ) AS topics_with_lost_records
