-- A journal as the release of version 3 left it, with rows in every table.
BEGIN TRANSACTION;
CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  ts_ns INTEGER NOT NULL, after_fill INTEGER NOT NULL, positions TEXT NOT NULL,
  balances TEXT NOT NULL
) STRICT;
INSERT INTO "accounts" VALUES(1,1,1,1767594600000000000,1,'[]','[]');
CREATE TABLE acts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, body TEXT
) STRICT;
INSERT INTO "acts" VALUES(1,0,'commands','["c1"]','[1,"c1","pause","BTC","{}","ann","news",5,6,7,1,"PAUSED"]');
INSERT INTO "acts" VALUES(2,0,'parked','[1,"BTC-PERPETUAL"]','[1,"BTC-PERPETUAL",2,1767594600000000000,"BTC","{\"instrument\":\"BTC-PERPETUAL\",\"quantity\":{\"value\":\"10\",\"unit\":\"usd\"},\"tag\":\"\",\"account\":\"main\"}","10",1767594600000000000,1767594600000000001]');
INSERT INTO "acts" VALUES(3,0,'runs','[1]','[1,1,11,1,2,1767594600000000000,"paper","synthetic",7,"0.1.0","{}","ab","{\"fills\":1}","stopped"]');
INSERT INTO "acts" VALUES(4,0,'runs','[2]','[2,1,12,3,null,1767594600000000000,"paper","synthetic",7,"0.1.0","{}",null,null,null]');
INSERT INTO "acts" VALUES(5,0,'standing','["BTC","off"]','["BTC","off",2,1767594600000000000,null,"{\"reason\":\"operator\",\"subject\":\"\",\"numbers\":{}}"]');
INSERT INTO "acts" VALUES(6,0,'sticky','["ETH"]','["ETH",1,1767594600000000000,"HALTED","[]"]');
INSERT INTO "acts" VALUES(7,3,'runs','[2]','[2,1,12,3,null,1767594600000000000,"paper","synthetic",7,"0.1.0","{}",null,null,"interrupted"]');
INSERT INTO "acts" VALUES(8,3,'runs','[3]','[3,1,9441,1767594700000000000,null,1767594600000000000,"paper","synthetic",7,"0.1.0","{\"paper\":{\"scale\":1.0}}",null,null,null]');
INSERT INTO "acts" VALUES(9,3,'runs','[3]','[3,1,9441,1767594700000000000,1767594700000000000,1767594600000000000,"paper","synthetic",7,"0.1.0","{\"paper\":{\"scale\":1.0}}","31b920bd6d9a8c1af5745fbbcc7ba95e2cb44bd1c4b37d2981dd0d36c8d7f3b5","{}","stopped"]');
CREATE TABLE chain (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_ns INTEGER NOT NULL, upto TEXT NOT NULL,
  link TEXT NOT NULL
) STRICT;
INSERT INTO "chain" VALUES(1,0,1795822704716338646,'{"accounts":1,"acts":6,"decisions":1,"doubts":1,"fills":1,"hedges":1,"intents":2,"states":1,"transitions":1}','5de8ba63e2623d4bf570ccb3d8f20c78a2b4aeda55504fdcaa7c402ad6e2d84e');
INSERT INTO "chain" VALUES(2,3,1767594700000000000,'{"accounts":1,"acts":8,"decisions":1,"doubts":1,"fills":1,"hedges":1,"intents":2,"states":1,"transitions":1}','b2392ba53c1b571128782bd6870e23393ab227dc1a6cfc8b54c018917556ae71');
INSERT INTO "chain" VALUES(3,3,1767594700000000000,'{"accounts":1,"acts":8,"decisions":2,"doubts":1,"fills":2,"hedges":1,"intents":3,"states":1,"transitions":1}','dd04b4e4ed6296c44f528b6179de63d75f4aa9e62e7c9213d1f6cce9a6dcd53b');
INSERT INTO "chain" VALUES(4,3,1767594700000000000,'{"accounts":1,"acts":9,"decisions":2,"doubts":1,"fills":2,"hedges":1,"intents":3,"states":1,"transitions":1}','159152be4f4a0823e24244d99479605fc3bb67db766195db1ab26e877ffca14a');
CREATE TABLE commands (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, verb TEXT NOT NULL,
  coin TEXT NOT NULL, arguments TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
  at_ns INTEGER NOT NULL, taken_ns INTEGER, done_ns INTEGER, accepted INTEGER, outcome TEXT
) STRICT;
INSERT INTO "commands" VALUES(1,'c1','pause','BTC','{}','ann','news',5,6,7,1,'PAUSED');
INSERT INTO "commands" VALUES(2,'c2','resume','BTC','{}','ann','',5,6,6,0,'withdrawn');
INSERT INTO "commands" VALUES(3,'c3','halt','','{}','bob','',8,NULL,NULL,NULL,NULL);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  id TEXT NOT NULL, ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, kind TEXT NOT NULL,
  numeraire TEXT NOT NULL, delta_coin REAL, delta_low_coin REAL, delta_high_coin REAL,
  delta_after_coin REAL, target REAL, lower REAL, upper REAL, policy_lower REAL,
  policy_upper REAL, gamma_coin_per_pct REAL, gamma_after_coin_per_pct REAL, "index" REAL,
  cost_usd REAL, trades TEXT NOT NULL, candidates TEXT NOT NULL, reasons TEXT NOT NULL,
  refused TEXT NOT NULL, snapshot TEXT NOT NULL, UNIQUE (run, id)
) STRICT;
INSERT INTO "decisions" VALUES(1,1,'d1',1767594600000000000,'BTC','delta','usd',1.5,1.5,1.5,0.0,0.0,-0.1,0.1,-0.1,0.1,NULL,NULL,90000.5,41.25,'[]','[]','[]','[]','{}');
INSERT INTO "decisions" VALUES(2,3,'d7',1767594607000000000,'BTC','delta','usd',1.8342,1.8342,1.8342,0.021,0.0,-0.1,0.1,-0.07,0.07,-0.31,-0.31,90000.5,41.25,'[{"instrument":"BTC-PERPETUAL","quantity":-165000.0,"unit":"usd","limit":89955.0,"cost_usd":41.25,"gamma_coin_per_pct":0.0,"theta_usd_day":0.0}]','[]','[{"reason":"delta_above_owner","subject":"BTC","numbers":{"delta_coin":1.8342,"upper":0.1}}]','[]','{"BTC-12JAN26-92000-C.vol":0.5512,"BTC-PERPETUAL.bid":89999.5,"age_s":0.25}');
CREATE TABLE doubts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, because TEXT NOT NULL, active INTEGER NOT NULL
) STRICT;
INSERT INTO "doubts" VALUES(1,1,1767594600000000000,'BTC','{}',1);
CREATE TABLE equity (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, hedged_usd REAL, unhedged_usd REAL,
  naive_usd REAL, split TEXT NOT NULL
) STRICT;
INSERT INTO "equity" VALUES(1,1,1767594600000000000,'',-52.0,-1.0,-2.0,'{}');
CREATE TABLE exposure (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, numeraire TEXT NOT NULL, state TEXT NOT NULL,
  "index" REAL, delta_coin REAL, delta_low_coin REAL, delta_high_coin REAL, target REAL,
  lower REAL, upper REAL, gamma_coin_per_pct REAL, gamma_expiring_coin_per_pct REAL,
  vega_usd REAL, theta_usd_day REAL, equity_usd REAL, unknown_orders INTEGER NOT NULL,
  shocks TEXT NOT NULL, vega_by_tenor_usd TEXT NOT NULL, doubts TEXT NOT NULL
) STRICT;
INSERT INTO "exposure" VALUES(1,1,1767594600000000000,'BTC','usd','RUNNING',90000.0,0.0,0.0,0.0,0.0,-0.1,0.1,NULL,NULL,NULL,NULL,450000.0,0,'{}','{}','[]');
CREATE TABLE fills (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  trade_id TEXT NOT NULL, label TEXT NOT NULL, instrument TEXT NOT NULL, quantity TEXT NOT NULL,
  unit TEXT NOT NULL, price TEXT NOT NULL, fee REAL, fee_unit TEXT NOT NULL,
  maker INTEGER NOT NULL, ts_ns INTEGER NOT NULL, UNIQUE (ledger, trade_id, label)
) STRICT;
INSERT INTO "fills" VALUES(1,1,1,'t1','db-demo-1-1','BTC-PERPETUAL','-165000','usd','89999.5',0.00091667,'BTC',0,1767594600000000000);
INSERT INTO "fills" VALUES(2,3,1,'BTC-7','demo-1-7','BTC-PERPETUAL','-165000','usd','89999.5',0.00091667,'BTC',0,1767594607300000000);
CREATE TABLE heartbeat (
  only INTEGER PRIMARY KEY CHECK (only = 1), run INTEGER NOT NULL REFERENCES runs (id),
  wall_ns INTEGER NOT NULL, market_ns INTEGER NOT NULL, state TEXT NOT NULL
) STRICT;
INSERT INTO "heartbeat" VALUES(1,2,4,1767594600000000000,'RUNNING');
CREATE TABLE hedges (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  decision TEXT NOT NULL, ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, kind TEXT NOT NULL,
  delta_before_coin REAL, delta_after_coin REAL, gamma_before_coin_per_pct REAL,
  gamma_after_coin_per_pct REAL, lower REAL, upper REAL, "index" REAL,
  filled REAL, unit TEXT NOT NULL, fee_usd REAL, slippage_usd REAL, seconds REAL,
  orders INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
INSERT INTO "hedges" VALUES(1,1,'d1',1767594600000000000,'BTC','delta',1.5,0.0,NULL,NULL,-0.1,0.1,90000.0,-165000.0,'usd',82.5,NULL,0.4,1,'delta_above_owner');
CREATE TABLE intents (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  label TEXT NOT NULL, instrument TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL,
  price TEXT NOT NULL, time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL,
  reduce_delta INTEGER NOT NULL, decision TEXT NOT NULL, purpose TEXT NOT NULL,
  created_ns INTEGER NOT NULL, valid_until_ns INTEGER NOT NULL, UNIQUE (ledger, label)
) STRICT;
INSERT INTO "intents" VALUES(1,1,1,'db-demo-1-1','BTC-PERPETUAL','-165000','usd','89955.0','ioc',0,1,'d1','delta',1767594600000000000,1767594600000000001);
INSERT INTO "intents" VALUES(2,1,1,'db-demo-1-2','BTC-PERPETUAL','10','usd','89955.0','ioc',0,1,'d1','delta',1767594600000000000,1767594600000000001);
INSERT INTO "intents" VALUES(3,3,1,'demo-1-7','BTC-PERPETUAL','-165000','usd','89955.0','ioc',0,1,'d7','delta',1767594607000000000,1767594609000000000);
CREATE TABLE margins (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, model TEXT NOT NULL, cash REAL, equity REAL,
  funds REAL, initial_margin REAL, maintenance_margin REAL, down REAL, up REAL,
  delta_venue REAL, delta_ours REAL
) STRICT;
INSERT INTO "margins" VALUES(1,1,1767594600000000000,'BTC','sm',1.0,1.0,1.0,0.1,0.1,-0.5,0.5,0.0,0.0);
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO "meta" VALUES('schema_version','3');
INSERT INTO "meta" VALUES('instance','demo');
INSERT INTO "meta" VALUES('created_ns','17');
CREATE TABLE paid (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, label TEXT NOT NULL, decision TEXT NOT NULL, coin TEXT NOT NULL,
  instrument TEXT NOT NULL, purpose TEXT NOT NULL, post_only INTEGER NOT NULL, quantity REAL,
  filled REAL, as_maker REAL, unit TEXT NOT NULL, mid REAL, average REAL, shown_bps REAL,
  slippage_bps REAL, slippage_usd REAL, fee_usd REAL, seconds REAL
) STRICT;
INSERT INTO "paid" VALUES(1,3,1767594608000000000,'demo-1-7','d7','BTC','BTC-PERPETUAL','delta',0,-165000.0,-165000.0,0.0,'usd',90000.0,89999.5,0.06,0.0556,0.92,82.5,0.4);
CREATE TABLE parked (
  ledger INTEGER NOT NULL, instrument TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, position TEXT NOT NULL, held TEXT NOT NULL,
  since_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL, PRIMARY KEY (ledger, instrument)
) STRICT;
INSERT INTO "parked" VALUES(1,'BTC-PERPETUAL',2,1767594600000000000,'BTC','{"instrument":"BTC-PERPETUAL","quantity":{"value":"10","unit":"usd"},"tag":"","account":"main"}','10',1767594600000000000,1767594600000000001);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, ledger INTEGER NOT NULL, pid INTEGER NOT NULL,
  started_ns INTEGER NOT NULL, ended_ns INTEGER, market_start_ns INTEGER NOT NULL,
  mode TEXT NOT NULL, market TEXT NOT NULL, seed INTEGER, version TEXT NOT NULL,
  settings TEXT NOT NULL, digest TEXT, summary TEXT, outcome TEXT
) STRICT;
INSERT INTO "runs" VALUES(1,1,11,1,2,1767594600000000000,'paper','synthetic',7,'0.1.0','{}','ab','{"fills":1}','stopped');
INSERT INTO "runs" VALUES(2,1,12,3,NULL,1767594600000000000,'paper','synthetic',7,'0.1.0','{}',NULL,NULL,'interrupted');
INSERT INTO "runs" VALUES(3,1,9441,1767594700000000000,1767594700000000000,1767594600000000000,'paper','synthetic',7,'0.1.0','{"paper":{"scale":1.0}}','31b920bd6d9a8c1af5745fbbcc7ba95e2cb44bd1c4b37d2981dd0d36c8d7f3b5','{}','stopped');
CREATE TABLE standing (
  coin TEXT NOT NULL, word TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, until_ns INTEGER, because TEXT NOT NULL, PRIMARY KEY (coin, word)
) STRICT;
INSERT INTO "standing" VALUES('BTC','off',2,1767594600000000000,NULL,'{"reason":"operator","subject":"","numbers":{}}');
CREATE TABLE states (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  reasons TEXT NOT NULL
) STRICT;
INSERT INTO "states" VALUES(1,1,1767594600000000000,'ETH','RUNNING','HALTED','[]');
CREATE TABLE sticky (
  coin TEXT NOT NULL PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, state TEXT NOT NULL, reasons TEXT NOT NULL
) STRICT;
INSERT INTO "sticky" VALUES('ETH',1,1767594600000000000,'HALTED','[]');
CREATE TABLE transitions (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  ts_ns INTEGER NOT NULL, label TEXT NOT NULL, instrument TEXT NOT NULL, before TEXT NOT NULL,
  after TEXT NOT NULL, evidence TEXT NOT NULL
) STRICT;
INSERT INTO "transitions" VALUES(1,1,1,1767594600000000000,'db-demo-1-1','BTC-PERPETUAL','sent','filled','');
CREATE TABLE views (
  run INTEGER NOT NULL REFERENCES runs (id), name TEXT NOT NULL, ts_ns INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (run, name)
) STRICT;
INSERT INTO "views" VALUES(2,'greeks',1767594600000000000,'[]');
CREATE INDEX commands_waiting ON commands (seq) WHERE taken_ns IS NULL;
CREATE INDEX exposure_newest ON exposure (run, coin, seq);
CREATE INDEX margins_newest ON margins (run, coin, seq);
CREATE INDEX equity_newest ON equity (run, coin, seq);
CREATE INDEX states_newest ON states (run, coin, seq);
CREATE INDEX transitions_newest ON transitions (ledger, label, seq);
CREATE INDEX accounts_newest ON accounts (ledger, seq);
CREATE TRIGGER accounts_no_update BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'a row of accounts is never changed or removed'); END;
CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, 'a row of accounts is never changed or removed'); END;
CREATE TRIGGER acts_no_update BEFORE UPDATE ON acts BEGIN SELECT RAISE(ABORT, 'a row of acts is never changed or removed'); END;
CREATE TRIGGER acts_no_delete BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'a row of acts is never changed or removed'); END;
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'a row of decisions is never changed or removed'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'a row of decisions is never changed or removed'); END;
CREATE TRIGGER doubts_no_update BEFORE UPDATE ON doubts BEGIN SELECT RAISE(ABORT, 'a row of doubts is never changed or removed'); END;
CREATE TRIGGER doubts_no_delete BEFORE DELETE ON doubts BEGIN SELECT RAISE(ABORT, 'a row of doubts is never changed or removed'); END;
CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT RAISE(ABORT, 'a row of fills is never changed or removed'); END;
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT RAISE(ABORT, 'a row of fills is never changed or removed'); END;
CREATE TRIGGER hedges_no_update BEFORE UPDATE ON hedges BEGIN SELECT RAISE(ABORT, 'a row of hedges is never changed or removed'); END;
CREATE TRIGGER hedges_no_delete BEFORE DELETE ON hedges BEGIN SELECT RAISE(ABORT, 'a row of hedges is never changed or removed'); END;
CREATE TRIGGER intents_no_update BEFORE UPDATE ON intents BEGIN SELECT RAISE(ABORT, 'a row of intents is never changed or removed'); END;
CREATE TRIGGER intents_no_delete BEFORE DELETE ON intents BEGIN SELECT RAISE(ABORT, 'a row of intents is never changed or removed'); END;
CREATE TRIGGER states_no_update BEFORE UPDATE ON states BEGIN SELECT RAISE(ABORT, 'a row of states is never changed or removed'); END;
CREATE TRIGGER states_no_delete BEFORE DELETE ON states BEGIN SELECT RAISE(ABORT, 'a row of states is never changed or removed'); END;
CREATE TRIGGER transitions_no_update BEFORE UPDATE ON transitions BEGIN SELECT RAISE(ABORT, 'a row of transitions is never changed or removed'); END;
CREATE TRIGGER transitions_no_delete BEFORE DELETE ON transitions BEGIN SELECT RAISE(ABORT, 'a row of transitions is never changed or removed'); END;
CREATE TRIGGER chain_no_update BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'a row of chain is never changed or removed'); END;
CREATE TRIGGER chain_no_delete BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'a row of chain is never changed or removed'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('commands',3);
COMMIT;
