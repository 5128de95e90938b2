"""The simulated exchange as a server of Deribit's JSON-RPC protocol, on loopback.

`Server` is the door, `Hub` the exchange behind it. Behind them: `clock` and `paced` (time),
`exchange`, `tickets` and `ledger` (the simulated exchange with what the protocol adds), `figures`,
`instruments`, `quotes` and `account` (what is said), `channels` and `feeds` (to whom), `rpc`,
`dispatch`, `public`, `reads` and `trading` (what is asked), `auth` and `limits` (what is allowed),
`session` (one WebSocket), `kept`, `standing` and `state` (what outlives the process), `faults`
(what goes wrong when it is asked to).

Import from the modules: importing this package loads no server.
"""
