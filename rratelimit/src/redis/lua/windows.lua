-- What each kind of limit remembers, and how it forgets. Runs inside the store: by its clock, in
-- microseconds, whatever the nodes' clocks show. All numbers are whole and below 2^53.
--
-- A value is cmsgpack of an array of numbers, kept for as long as it counts:
--   sliding (s)           bucket, count, bucket, count, ...  oldest first; empty ones are left out
--   fixed, day, month     number of the window, count
--   token bucket (b)      debt, when it was that, what a unit costs
--   concurrency (c)       is no such value but a sorted set: permit, when it was last confirmed

local function now_micros()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local DAY = 86400000000

-- An answer may cost any number: beyond this one, numbers are not whole, and no time that a key can be
-- kept for.
local MOST = 9007199254740991

-- Nor is a bucket empty for longer than the longest window is, where it is known what it holds.
local function most_debt(it)
    return it.burst and math.min(MOST, it.burst * it.a + 366 * DAY * it.b) or MOST
end

-- The number of a day's month, and how many days it goes on after this one (Howard Hinnant's
-- civil_from_days).
local function month_of(day)
    local z = day + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524)
        - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local date = doy - math.floor((153 * mp + 2) / 5) + 1
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    local days = ({31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31})[month]
    if month == 2 and (year % 4 == 0 and year % 100 ~= 0 or year % 400 == 0) then
        days = 29
    end
    return year * 12 + month, days - date
end

-- Which window of a fixed kind this is, and how long it goes on.
local function window_at(kind, length, now)
    if kind == 'f' then
        return math.floor(now / length), length - now % length
    end
    local day = math.floor(now / DAY)
    local left = DAY - now % DAY
    if kind == 'd' then
        return day, left
    end
    local month, days = month_of(day)
    return month, left + days * DAY
end

-- The store's clock may be set back: then what lies in its future counts as of now, so that nobody
-- gets it twice, and nobody waits for longer than one window.
local function load_sliding(it, value)
    local bucket = math.floor(it.now / it.a)
    it.mark, it.buckets, it.count = bucket, {}, 0
    for i = 1, #value, 2 do
        if value[i] >= bucket - 60 then
            local number = math.min(value[i], bucket)
            local last = #it.buckets
            if last > 0 and it.buckets[last - 1] == number then
                it.buckets[last] = it.buckets[last] + value[i + 1]
            else
                it.buckets[last + 1], it.buckets[last + 2] = number, value[i + 1]
            end
            it.count = it.count + value[i + 1]
        end
    end
end

local function load_fixed(it, value)
    local number, left = window_at(it.kind, it.a, it.now)
    it.mark, it.left = number, left
    it.count = (value[1] and value[1] >= number) and value[2] or 0
end

-- A unit costs `a` of debt, and a microsecond pays back `b`. With another maximum a unit has
-- another price: what was spent stays.
local function load_bucket(it, value)
    local debt = value[1] or 0
    if value[3] and value[3] ~= it.a then
        debt = math.ceil(debt / value[3] * it.a)
    end
    local paid = math.max(0, it.now - (value[2] or it.now)) * it.b
    it.mark, it.debt = 0, math.max(0, debt - paid)
    it.count = math.ceil(it.debt / it.a)
end

-- `a` is how long a permit is good for without a sign of its holder.
local function load_concurrency(it)
    it.mark = 0
    it.count = redis.call('ZCOUNT', it.key, '(' .. (it.now - it.a), '+inf')
end

local function load(it)
    if it.kind == 'c' then
        return load_concurrency(it)
    end
    local raw = redis.call('GET', it.key)
    local value = raw and cmsgpack.unpack(raw) or {}
    if it.kind == 's' then
        load_sliding(it, value)
    elseif it.kind == 'b' then
        load_bucket(it, value)
    else
        load_fixed(it, value)
    end
end

local function add(it, units)
    it.count = math.min(MOST, it.count + units)
    if it.kind == 's' then
        local last = #it.buckets
        if last > 0 and it.buckets[last - 1] == it.mark then
            it.buckets[last] = math.min(MOST, it.buckets[last] + units)
        else
            it.buckets[last + 1], it.buckets[last + 2] = it.mark, units
        end
    elseif it.kind == 'b' then
        it.debt = math.min(most_debt(it), it.debt + units * it.a)
    end
end

-- When all that a bucket has given would be back. A refund later on puts back no more than is not
-- back by itself by then.
local function full_at(it)
    return it.now + math.floor(it.debt / it.b)
end

-- Gives units back into the window they were taken from, or, when they are less than none, takes
-- more of it; what is over is over.
local function give_back(it, units, mark)
    if it.kind == 's' then
        local at = 1
        while it.buckets[at] and it.buckets[at] < mark do
            at = at + 2
        end
        if it.buckets[at] == mark then
            it.buckets[at + 1] = math.min(MOST, math.max(0, it.buckets[at + 1] - units))
        elseif units < 0 and mark >= it.mark - 60 and mark <= it.mark then
            table.insert(it.buckets, at, -units)
            table.insert(it.buckets, at, mark)
        end
    elseif it.kind == 'b' then
        local owed = math.max(0, mark - it.now) * it.b
        it.debt = math.min(most_debt(it), math.max(0, it.debt - math.min(units * it.a, owed)))
    elseif it.mark == mark then
        it.count = math.min(MOST, math.max(0, it.count - units))
    end
end

local function room_of(it, max, burst)
    if it.kind == 'b' then
        return math.max(0, math.floor((burst * it.a - it.debt) / it.a))
    end
    return math.max(0, max - it.count)
end

-- Until no more than `level` counts.
local function wait(it, level)
    if it.kind == 'b' then
        return math.max(0, math.ceil((it.debt - level * it.a) / it.b))
    elseif it.kind == 'c' then
        -- Nobody knows. Soon.
        return it.count > level and 1000000 or 0
    elseif it.kind ~= 's' then
        return it.count > level and it.left or 0
    end
    local count, time = it.count, 0
    for i = 1, #it.buckets, 2 do
        if count <= level then
            break
        end
        count = count - it.buckets[i + 1]
        time = (it.buckets[i] + 61) * it.a - it.now
    end
    return time
end

-- Until there is room for one more than now.
local function until_more(it, max, burst)
    local level = it.kind == 'b' and burst - room_of(it, max, burst) - 1
        or math.min(it.count, max) - 1
    return level < 0 and 0 or wait(it, level)
end

-- What is written is gone when it has stopped to count.
local function save(it)
    local value, left
    if it.kind == 's' then
        value = {}
        for i = 1, #it.buckets, 2 do
            if it.buckets[i + 1] > 0 then
                value[#value + 1], value[#value + 2] = it.buckets[i], it.buckets[i + 1]
            end
        end
        left = #value > 0 and (value[#value - 1] + 61) * it.a - it.now or 0
    elseif it.kind == 'b' then
        value, left = {it.debt, it.now, it.a}, it.debt / it.b
    else
        value, left = {it.mark, it.count}, it.count > 0 and it.left or 0
    end
    if left > 0 then
        redis.call('SET', it.key, cmsgpack.pack(value), 'PX', math.ceil(left / 1000))
    else
        redis.call('DEL', it.key)
    end
end
