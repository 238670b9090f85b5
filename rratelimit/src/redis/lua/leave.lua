-- A node goes. KEYS: the nodes that are alive. ARGV: this node.

return redis.call('ZREM', KEYS[1], ARGV[1])
