-- What Trino's functions mean, where DuckDB has none or means something else.
-- A failure is a cast of its own message: unlike error(), TRY can catch it.

CREATE MACRO trino_fail(message) AS CAST(concat('trino: ', message) AS BIGINT);

-- numbers
CREATE MACRO trino_integer_divide(a, b) AS a // CASE WHEN b = 0 THEN trino_fail('DIVISION_BY_ZERO: Division by zero') ELSE b END;
CREATE MACRO trino_integer_modulus(a, b) AS a % CASE WHEN b = 0 THEN trino_fail('DIVISION_BY_ZERO: Division by zero') ELSE b END;
-- a and b are unscaled; rounds half away from zero
CREATE MACRO trino_unscaled_divide(a, b) AS CASE WHEN b = 0 THEN trino_fail('DIVISION_BY_ZERO: Division by zero') ELSE (CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END) * ((2 * abs(a) + abs(b)) // (2 * (CASE WHEN b = 0 THEN 1 ELSE abs(b) END))) END;
CREATE MACRO trino_round_double(x, digits) AS CASE WHEN isnan(x) OR isinf(x) THEN x ELSE round(x, CAST(digits AS INTEGER)) END;
CREATE MACRO trino_width_bucket(x, low, high, buckets) AS CAST(CASE WHEN buckets <= 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0') WHEN low < high THEN CASE WHEN x < low THEN 0 WHEN x >= high THEN buckets + 1 ELSE floor((x - low) / ((high - low) / buckets)) + 1 END ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN buckets + 1 ELSE floor((low - x) / ((low - high) / buckets)) + 1 END END AS BIGINT);
-- Java rounds the shortest digits half up, C the exact value of the double
CREATE MACRO trino_half_up(x, digits) AS CASE WHEN isfinite(x) AND abs(x) < 1e15 THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38,18)), digits) AS DOUBLE) ELSE x END;
CREATE MACRO trino_truncate(x, digits) AS CASE WHEN isfinite(x) THEN trunc(x * pow(10, digits)) / pow(10, digits) ELSE x END;
CREATE MACRO trino_bit_count(x, bits) AS CAST(CASE WHEN bits >= 64 THEN bit_count(x) ELSE bit_count(x & ((CAST(1 AS BIGINT) << CAST(bits AS BIGINT)) - 1)) END AS BIGINT);

-- DuckDB's cbrt(27) is not 3
CREATE MACRO trino_cbrt(x) AS CASE WHEN pow(round(cbrt(x)), 3) = x THEN round(cbrt(x)) ELSE cbrt(x) END;

-- text
CREATE MACRO trino_substr(s, start) AS CASE WHEN start = 0 OR abs(start) > length(s) THEN (CASE WHEN s IS NOT NULL AND start IS NOT NULL THEN '' END) ELSE substr(s, start) END, (s, start, len) AS CASE WHEN start = 0 OR abs(start) > length(s) OR len <= 0 THEN (CASE WHEN s IS NOT NULL AND start IS NOT NULL AND len IS NOT NULL THEN '' END) ELSE substr(s, start, greatest(len, 0)) END;
CREATE MACRO trino_delimiter(d) AS CASE WHEN d = '' THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') AS VARCHAR) ELSE d END;
CREATE MACRO trino_position(n) AS CASE WHEN n = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE n END;
CREATE MACRO trino_step(n) AS CASE WHEN n = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: step must not be zero') ELSE n END;
CREATE MACRO trino_split(s, delimiter, maximum) AS CASE WHEN len(string_split(s, delimiter)) <= maximum THEN string_split(s, delimiter) ELSE list_append(list_slice(string_split(s, delimiter), 1, maximum - 1), array_to_string(list_slice(string_split(s, delimiter), maximum, len(string_split(s, delimiter))), delimiter)) END;
CREATE MACRO trino_split_part(s, delimiter, n) AS string_split(s, delimiter)[CASE WHEN n > 0 THEN n ELSE trino_fail('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') END];
CREATE MACRO trino_split_to_map(s, entry_delimiter, pair_delimiter) AS map_from_entries(list_transform(list_filter(string_split(s, entry_delimiter), lambda e_: e_ <> ''), lambda e_: {'k': split_part(e_, pair_delimiter, 1), 'v': substr(e_, strpos(e_, pair_delimiter) + length(pair_delimiter))}));
CREATE MACRO trino_regexp_extract(s, pattern, g) AS CASE WHEN regexp_matches(s, pattern) THEN nullif(regexp_extract_all(s, pattern, CAST(g AS INTEGER))[1], CASE WHEN g > 0 THEN chr(0) ELSE chr(0) END) END;
-- DuckDB makes a capital of ß
CREATE MACRO trino_upper(s) AS CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform(string_split(s, 'ß'), lambda part_: upper(part_)), 'ß') ELSE upper(s) END;
CREATE MACRO trino_strpos(s, part, n) AS CAST(CASE WHEN n = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: ''instance'' must not be a zero') WHEN abs(n) >= len(string_split(s, part)) THEN 0 ELSE length(array_to_string(list_slice(string_split(s, part), 1, CASE WHEN n > 0 THEN n ELSE len(string_split(s, part)) + n END), part)) + 1 END AS BIGINT);
CREATE MACRO trino_unspaced(s) AS CASE WHEN s = trim(s) THEN s WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_FUNCTION_ARGUMENT: Invalid format: "', s, '" is malformed at " "')) AS VARCHAR) END;

-- casts
CREATE MACRO trino_float_text(s) AS CASE WHEN regexp_full_match(s, '\s*[+-]?(NaN|Infinity|[0-9.]+([eE][+-]?[0-9]+)?)\s*') THEN trim(s) WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_CAST_ARGUMENT: Cannot cast ''', s, ''' to a floating point number')) AS VARCHAR) END;
CREATE MACRO trino_integer_text(s) AS CASE WHEN regexp_full_match(trim(s), '[+-]?[0-9]+') THEN trim(s) ELSE CASE WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_CAST_ARGUMENT: Cannot cast ''', s, ''' to an integer')) AS VARCHAR) END END;
CREATE MACRO trino_boolean(s) AS CASE WHEN lower(s) IN ('t', 'true', '1') THEN true WHEN lower(s) IN ('f', 'false', '0') THEN false WHEN s IS NOT NULL THEN trino_fail(concat('INVALID_CAST_ARGUMENT: Cannot cast ''', s, ''' to BOOLEAN')) > 0 END;
CREATE MACRO trino_date(s) AS CAST(CASE WHEN regexp_full_match(trim(s), '[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}') THEN trim(s) WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ', s)) AS VARCHAR) END AS DATE);
CREATE MACRO trino_timestamp(s) AS CAST(CASE WHEN regexp_full_match(trim(s), '[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]{1,12})?)?)?') THEN trim(s) WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ', s)) AS VARCHAR) END AS TIMESTAMP);
CREATE MACRO trino_round_timestamp(ts, digits) AS CASE WHEN digits >= 6 THEN ts ELSE make_timestamp(CAST((epoch_us(ts) + CAST(5 * 10 ^ (5 - digits) AS BIGINT)) // CAST(10 ^ (6 - digits) AS BIGINT) * CAST(10 ^ (6 - digits) AS BIGINT) AS BIGINT)) END;
CREATE MACRO trino_fit(s, n) AS CASE WHEN length(s) <= n THEN s WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_CAST_ARGUMENT: Value ', s, ' cannot be represented as varchar(', n, ')')) AS VARCHAR) END;

-- timestamps with time zone: {'utc': TIMESTAMP, 'zone': VARCHAR}
CREATE MACRO trino_utc(ts) AS CASE WHEN ts IS NOT NULL THEN struct_pack(utc := ts, zone := 'UTC') END;
CREATE MACRO trino_zone_name(z) AS CASE WHEN z IN ('UTC', 'Z', '+00:00', '-00:00') THEN 'UTC' ELSE z END;
CREATE MACRO trino_zoned(ts, z) AS CASE WHEN ts IS NOT NULL AND z IS NOT NULL THEN struct_pack(utc := ts, zone := trino_zone_name(z)) END;
-- ICU reads an offset as GMT+05:30
CREATE MACRO trino_zone_id(z) AS CASE WHEN z LIKE '+%' OR z LIKE '-%' THEN 'GMT' || z ELSE z END;
CREATE MACRO trino_local_of(ts, z) AS CASE WHEN z = 'UTC' THEN ts ELSE timezone(trino_zone_id(z), timezone('UTC', ts)) END;
CREATE MACRO trino_local(t) AS trino_local_of(t.utc, t.zone);
CREATE MACRO trino_to_utc(local_ts, z) AS CASE WHEN z IN ('UTC', 'Z') THEN local_ts ELSE timezone('UTC', timezone(trino_zone_id(z), local_ts)) END;
CREATE MACRO trino_with_zone(local_ts, z) AS trino_zoned(trino_to_utc(local_ts, z), z);
CREATE MACRO trino_offset_s(t) AS epoch(trino_local(t)) - epoch(t.utc);
CREATE MACRO trino_offset_text(t, zero) AS CASE WHEN trino_offset_s(t) = 0 THEN zero ELSE concat(CASE WHEN trino_offset_s(t) < 0 THEN '-' ELSE '+' END, printf('%02d:%02d', CAST(abs(trino_offset_s(t)) // 3600 AS INTEGER), CAST(abs(trino_offset_s(t)) // 60 % 60 AS INTEGER))) END;
CREATE MACRO trino_zone_of_text(s) AS coalesce(nullif(regexp_extract(trim(s), '^[0-9-]{8,}(?: [0-9:.]+)? ?([A-Za-z+-].*)$', 1), ''), 'UTC');
CREATE MACRO trino_without_zone(s) AS trim(regexp_extract(trim(s), '^([0-9-]{8,}(?: [0-9:.]+)?) ?(?:[A-Za-z+-].*)?$', 1));
CREATE MACRO trino_timestamptz(s) AS list_transform(list_transform([s], lambda s_: {'t': coalesce(nullif(trino_without_zone(s_), ''), s_), 'z': trino_zone_of_text(s_)}), lambda p_: trino_with_zone(trino_timestamp(p_.t), p_.z))[1];
CREATE MACRO trino_iso_zone(s) AS CASE WHEN regexp_matches(s, 'T.*[+-][0-9]{2}(:?[0-9]{2})?$') THEN regexp_replace(regexp_extract(s, '([+-][0-9]{2}(?::?[0-9]{2})?)$', 1), '^([+-][0-9]{2}):?([0-9]{2})?$', '\1:') || coalesce(nullif(regexp_extract(s, '[+-][0-9]{2}:?([0-9]{2})$', 1), ''), '00') ELSE 'UTC' END;
CREATE MACRO trino_iso_local(s) AS CAST(CASE WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T([0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?') THEN concat(substr(s, 1, 10), ' ', CASE WHEN length(s) > 10 THEN rpad(regexp_extract(s, 'T([0-9:]+)', 1) , 8, CASE WHEN regexp_extract(s, 'T([0-9:]+)', 1) = '' THEN '00:00:00' WHEN length(regexp_extract(s, 'T([0-9:]+)', 1)) = 2 THEN ':00:00' ELSE ':00' END) || replace(regexp_extract(s, '[.,][0-9]{1,3}'), ',', '.') ELSE '00:00:00' END) WHEN s IS NOT NULL THEN CAST(trino_fail(concat('INVALID_FUNCTION_ARGUMENT: Invalid format: "', s, '"')) AS VARCHAR) END AS TIMESTAMP);
CREATE MACRO trino_from_iso8601(s) AS list_transform(list_transform([s], lambda s_: {'t': trino_iso_local(s_), 'z': trino_iso_zone(s_)}), lambda p_: trino_with_zone(p_.t, p_.z))[1];
CREATE MACRO trino_whole_days(i) AS CASE WHEN epoch(i) % 86400 <> 0 THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date') AS INTERVAL) ELSE i END;
CREATE MACRO trino_to_unixtime(ts) AS CAST(epoch_us(ts) AS DOUBLE) / 1e6;
CREATE MACRO trino_from_unixtime(seconds) AS make_timestamp(CAST(round(seconds * 1000) AS BIGINT) * 1000);
CREATE MACRO trino_readable_seconds(x) AS array_to_string(list_filter(list_transform([{'n': CAST(round(x) AS BIGINT) // 604800, 'u': 'week'}, {'n': CAST(round(x) AS BIGINT) // 86400 % 7, 'u': 'day'}, {'n': CAST(round(x) AS BIGINT) // 3600 % 24, 'u': 'hour'}, {'n': CAST(round(x) AS BIGINT) // 60 % 60, 'u': 'minute'}, {'n': CAST(round(x) AS BIGINT) % 60, 'u': 'second'}], lambda p_: CASE WHEN p_.n > 0 THEN concat(p_.n, ' ', p_.u, CASE WHEN p_.n = 1 THEN '' ELSE 's' END) END), lambda p_: p_ IS NOT NULL), ', ');

-- JSON
CREATE MACRO trino_json_parse(s) AS json(CAST(s AS JSON));
CREATE MACRO trino_json_scalar(j, path) AS CASE WHEN json_type(j, path) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE json_extract_string(j, path) END;
CREATE MACRO trino_json_array_length(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END;
CREATE MACRO trino_json_size(j, path) AS CAST(CASE json_type(j, path) WHEN 'ARRAY' THEN json_array_length(j, path) WHEN 'OBJECT' THEN len(json_keys(j, path)) ELSE CASE WHEN json_type(j, path) IS NOT NULL THEN 0 END END AS BIGINT);
CREATE MACRO trino_json_text(j) AS CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY') THEN CAST(trino_fail('INVALID_CAST_ARGUMENT: Cannot cast JSON to varchar') AS VARCHAR) ELSE json_extract_string(j, '$') END;

-- arrays and maps
CREATE MACRO trino_holds(list, item) AS CASE WHEN item IS NULL THEN len(list_filter(list, lambda i_: i_ IS NULL)) > 0 ELSE list_contains(list, item) END;
CREATE MACRO trino_contains(list, item) AS CASE WHEN item IS NULL OR list IS NULL THEN NULL WHEN list_contains(list, item) THEN true WHEN trino_holds(list, NULL) THEN NULL ELSE false END;
CREATE MACRO trino_array_distinct(list) AS list_reduce(list_transform(list, lambda i_: [i_]), lambda seen_, one_: CASE WHEN trino_holds(seen_, one_[1]) THEN seen_ ELSE list_concat(seen_, one_) END, list_slice(list, 1, 0));
CREATE MACRO trino_array_extreme(list, extreme) AS CASE WHEN trino_holds(list, NULL) THEN NULL ELSE extreme END;
CREATE MACRO trino_arrays_overlap(a, b) AS CASE WHEN len(list_filter(a, lambda i_: i_ IS NOT NULL AND list_contains(b, i_))) > 0 THEN true WHEN a IS NULL OR b IS NULL OR trino_holds(a, NULL) OR trino_holds(b, NULL) THEN NULL ELSE false END;
CREATE MACRO trino_slice(list, start, size) AS CASE WHEN start > 0 THEN list_slice(list, start, start + size - 1) WHEN start < 0 AND -start <= len(list) THEN list_slice(list, len(list) + start + 1, len(list) + start + size) WHEN start = 0 THEN list_slice(list, trino_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1'), 0) ELSE list_slice(list, 1, 0) END;
CREATE MACRO trino_sequence(low, high) AS CASE WHEN low <= high THEN generate_series(low, high) ELSE generate_series(low, high, -1) END;
CREATE MACRO trino_any(list) AS CASE WHEN list_contains(list, true) THEN true WHEN list IS NULL OR trino_holds(list, NULL) THEN NULL ELSE false END;
CREATE MACRO trino_all(list) AS CASE WHEN list_contains(list, false) THEN false WHEN list IS NULL OR trino_holds(list, NULL) THEN NULL ELSE true END;
CREATE MACRO trino_at(list, i) AS list[CASE WHEN i > len(list) THEN trino_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || i || ' > ' || len(list)) WHEN i < 1 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE i END];
CREATE MACRO trino_map_at(m, k) AS CASE WHEN m IS NULL OR k IS NULL OR map_contains(m, k) THEN map_extract_value(m, k) ELSE map_values(m)[trino_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || CAST(k AS VARCHAR))] END;
CREATE MACRO trino_first_of_key(pairs) AS list_transform(trino_array_distinct(list_transform(pairs, lambda p_: p_.k)), lambda k_: list_filter(pairs, lambda p_: p_.k = k_)[1]);
CREATE MACRO trino_map_agg(pairs) AS CASE WHEN pairs IS NOT NULL THEN map_from_entries(trino_first_of_key(list_filter(pairs, lambda p_: p_.k IS NOT NULL))) END;
CREATE MACRO trino_map_union(maps) AS trino_map_agg(list_transform(flatten(list_transform(maps, lambda m_: map_entries(m_))), lambda e_: {'k': e_.key, 'v': e_.value}));
CREATE MACRO trino_multimap_agg(pairs) AS CASE WHEN pairs IS NOT NULL THEN map_from_entries(list_transform(list_distinct(list_transform(pairs, lambda p_: p_.k)), lambda k_: {'k': k_, 'v': list_transform(list_filter(pairs, lambda p_: p_.k = k_), lambda p_: p_.v)})) END;
CREATE MACRO trino_split_to_multimap(s, entry_delimiter, pair_delimiter) AS trino_multimap_agg(list_transform(list_filter(string_split(s, entry_delimiter), lambda e_: e_ <> ''), lambda e_: {'k': split_part(e_, pair_delimiter, 1), 'v': substr(e_, strpos(e_, pair_delimiter) + length(pair_delimiter))}));
CREATE MACRO trino_most_frequent(counts, n) AS map_from_entries(list_slice(list_reverse_sort(list_transform(map_entries(counts), lambda e_: {'v': e_.value, 'k': e_.key})), 1, n).list_transform(lambda e_: {'k': e_.k, 'v': CAST(e_.v AS BIGINT)}));

-- aggregates; DuckDB's skewness is the sample's, Trino's the population's
CREATE MACRO trino_skewness(sample, n) AS CASE WHEN n >= 3 THEN sample * (n - 2) / sqrt(CAST(n AS DOUBLE) * (n - 1)) END;
-- quantile_disc reads a negative quantile as one of the descending order; -0 would be lost
CREATE MACRO trino_descending(p) AS CASE WHEN p >= 1 THEN 1.0 ELSE p - 1 END;

-- doubles as Trino prints them: 1.2345E2; DuckDB prints the same shortest digits its own way
CREATE MACRO trino_mantissa(s) AS replace(split_part(s, 'e', 1), '.', '');
CREATE MACRO trino_significand(s) AS rtrim(ltrim(trino_mantissa(s), '0'), '0');
CREATE MACRO trino_exponent(s) AS CASE WHEN strpos(s, 'e') > 0 THEN CAST(split_part(s, 'e', 2) AS INTEGER) ELSE 0 END + length(split_part(split_part(s, 'e', 1), '.', 1)) - 1 - (length(trino_mantissa(s)) - length(ltrim(trino_mantissa(s), '0')));
CREATE MACRO trino_scientific(s) AS concat(trino_significand(s)[1], '.', CASE WHEN length(trino_significand(s)) > 1 THEN substr(trino_significand(s), 2) ELSE '0' END, 'E', trino_exponent(s));
CREATE MACRO trino_double_text(x) AS CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN x = 0 THEN '0E0' ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || list_transform([CAST(abs(x) AS VARCHAR)], lambda s_: trino_scientific(s_))[1] END;
CREATE MACRO trino_real_text(x) AS trino_double_text(x);

CREATE MACRO trino_to_base(x, radix) AS CASE WHEN x < 0 THEN '-' ELSE '' END || lower(to_base(abs(x), CAST(radix AS INTEGER)));
CREATE MACRO trino_digit(c) AS strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(c)) - 1;
CREATE MACRO trino_from_base(s, radix) AS CASE WHEN s LIKE '-%' THEN -1 ELSE 1 END * CAST(list_reduce(list_transform(string_split(ltrim(s, '+-'), ''), lambda c_: CASE WHEN trino_digit(c_) BETWEEN 0 AND radix - 1 AND c_ <> '' THEN CAST(trino_digit(c_) AS BIGINT) ELSE trino_fail(concat('INVALID_FUNCTION_ARGUMENT: Not a valid base-', radix, ' number: ', s)) END), lambda total_, digit_: total_ * radix + digit_, CAST(0 AS BIGINT)) AS BIGINT);

-- URLs
CREATE MACRO trino_url_encode(s) AS replace(replace(replace(url_encode(s), '%20', '+'), '~', '%7E'), '%2A', '*');
CREATE MACRO trino_url_decode(s) AS url_decode(replace(s, '+', ' '));
CREATE MACRO trino_url_group(url, g) AS regexp_extract(url, '^(?:([^:/?#]+):)?(?://(?:[^@/?#]*@)?([^/?#:]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$', g);
CREATE MACRO trino_url_part(url, part) AS CASE part WHEN 'scheme' THEN trino_url_group(url, 1) WHEN 'host' THEN nullif(trino_url_group(url, 2), '') WHEN 'port' THEN trino_url_group(url, 3) WHEN 'path' THEN url_decode(trino_url_group(url, 4)) WHEN 'query' THEN url_decode(trino_url_group(url, 5)) ELSE url_decode(trino_url_group(url, 6)) END;
CREATE MACRO trino_url_parameter(url, name) AS list_transform(list_filter(string_split(trino_url_group(url, 5), '&'), lambda p_: split_part(p_, '=', 1) = name), lambda p_: trino_url_decode(substr(p_, length(name) + 2)))[1];
CREATE MACRO trino_top(pairs, n) AS list_transform(list_slice(pairs, 1, n), lambda p_: p_.v);
CREATE MACRO trino_pairs(pairs) AS list_filter(pairs, lambda p_: p_.k IS NOT NULL);
CREATE MACRO trino_largest(pairs, n) AS trino_top(list_reverse_sort(trino_pairs(pairs)), n);
CREATE MACRO trino_smallest(pairs, n) AS trino_top(list_sort(trino_pairs(pairs)), n);
