"""The demo's own world: a broker, a load, a ledger of every task. The daemon is the real one."""
