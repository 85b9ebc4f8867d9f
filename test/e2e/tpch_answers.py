"""All 22 TPC-H queries over data of the benchmark's shape (scale factor 0.01, seeded), compared with DuckDB's answers.

usage: tpch_answers.py FLIGHT-URL; prints {"queries": n, "rows": rows of all answers}
"""
import json
import pathlib
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight

sys.path.append(str(pathlib.Path(__file__).parents[2] / "bench" / "tpch"))
import tpch  # noqa: E402

rng = np.random.default_rng(7)
NATIONS = [("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3), ("GERMANY", 3), ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4), ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0), ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3), ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3), ("UNITED STATES", 1)]
COLOURS = "almond antique azure beige blue brown coral cream cyan dark drab forest frosted green grey honeydew ivory khaki lace lemon".split()
WORDS = "special pending requests Customer blithe Complaints deposits accounts ironic even packages furiously".split()
DAY = np.datetime64("1992-01-01").astype(int)


def pick(values, n):
    return [values[i] for i in rng.integers(0, len(values), n)]


def decimals(low, high, n):
    unscaled = rng.integers(int(low * 100), int(high * 100) + 1, n)
    words = np.empty((n, 2), dtype=np.int64)
    words[:, 0], words[:, 1] = unscaled, unscaled >> 63
    return pa.Array.from_buffers(pa.decimal128(15, 2), n, [None, pa.py_buffer(words.tobytes())])


def dates(days):
    return pa.array(np.asarray(days, dtype=np.int32)).cast(pa.date32())


def comments(n):
    return [" ".join(words) for words in zip(*(pick(WORDS, n) for _ in range(5)))]


def phones(nations):
    return [f"{10 + nation}-{a}-{b}" for nation, a, b in zip(nations, rng.integers(100, 999, len(nations)), rng.integers(1000, 9999, len(nations)))]


def table(**columns):
    arrays = {name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()}
    schema = pa.schema([pa.field(name, array.type, nullable=False) for name, array in arrays.items()])
    return pa.Table.from_arrays(list(arrays.values()), schema=schema)


def make(scale=0.01):
    suppliers, customers, parts, orders = (int(rows * scale) for rows in (10_000, 150_000, 200_000, 1_500_000))
    of_supplier, of_customer = rng.integers(0, 25, suppliers), rng.integers(0, 25, customers)
    partkeys = np.repeat(np.arange(1, parts + 1), 4)
    suppkeys = (partkeys + np.tile(np.arange(4), parts) * (suppliers // 4)) % suppliers + 1
    order_days = DAY + rng.integers(0, 2400, orders)
    lines = rng.integers(1, 8, orders)
    line_order = np.repeat(np.arange(orders), lines)
    n = len(line_order)
    offers = rng.integers(0, len(partkeys), n)
    ship = order_days[line_order] + rng.integers(1, 122, n)
    commit = order_days[line_order] + rng.integers(30, 91, n)
    receipt = ship + rng.integers(1, 31, n)
    orderkeys = np.arange(orders) // 8 * 32 + np.arange(orders) % 8 + 1
    # Some orders are large, some customers and parts are in none.
    quantity = np.where(rng.random(orders)[line_order] < 0.01, 50, rng.integers(1, 51, n))
    words = np.zeros((n, 2), dtype=np.int64)
    words[:, 0] = quantity * 100
    types = [f"{a} {b} {c}" for a, b, c in zip(pick(["STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"], parts), pick(["ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"], parts), pick(["TIN", "NICKEL", "BRASS", "STEEL", "COPPER"], parts))]
    return {
        "region": table(r_regionkey=np.arange(5), r_name=["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"], r_comment=comments(5)),
        "nation": table(n_nationkey=np.arange(25), n_name=[name for name, _ in NATIONS], n_regionkey=[region for _, region in NATIONS], n_comment=comments(25)),
        "supplier": table(s_suppkey=np.arange(1, suppliers + 1), s_name=[f"Supplier#{i:09d}" for i in range(1, suppliers + 1)], s_address=comments(suppliers), s_nationkey=of_supplier, s_phone=phones(of_supplier), s_acctbal=decimals(-999, 9999, suppliers), s_comment=comments(suppliers)),
        "customer": table(c_custkey=np.arange(1, customers + 1), c_name=[f"Customer#{i:09d}" for i in range(1, customers + 1)], c_address=comments(customers), c_nationkey=of_customer, c_phone=phones(of_customer), c_acctbal=decimals(-999, 9999, customers), c_mktsegment=pick(["AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"], customers), c_comment=comments(customers)),
        "part": table(p_partkey=np.arange(1, parts + 1), p_name=[" ".join(words) for words in zip(pick(COLOURS, parts), pick(COLOURS, parts), pick(COLOURS, parts))], p_mfgr=pick([f"Manufacturer#{i}" for i in range(1, 6)], parts), p_brand=pick([f"Brand#{i}{j}" for i in range(1, 6) for j in range(1, 6)], parts), p_type=types, p_size=pa.array(rng.integers(1, 51, parts), pa.int32()), p_container=[f"{a} {b}" for a, b in zip(pick(["SM", "LG", "MED", "JUMBO", "WRAP"], parts), pick(["CASE", "BOX", "BAG", "PKG", "PACK"], parts))], p_retailprice=decimals(900, 2000, parts), p_comment=comments(parts)),
        "partsupp": table(ps_partkey=partkeys, ps_suppkey=suppkeys, ps_availqty=pa.array(rng.integers(1, 10_000, len(partkeys)), pa.int32()), ps_supplycost=decimals(1, 1000, len(partkeys)), ps_comment=comments(len(partkeys))),
        "orders": table(o_orderkey=orderkeys, o_custkey=rng.integers(0, customers // 3, orders) * 3 + 1, o_orderstatus=pick(["F", "O", "P"], orders), o_totalprice=decimals(900, 500_000, orders), o_orderdate=dates(order_days), o_orderpriority=pick(["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"], orders), o_clerk=pick([f"Clerk#{i:09d}" for i in range(10)], orders), o_shippriority=pa.array(np.zeros(orders), pa.int32()), o_comment=comments(orders)),
        "lineitem": table(l_orderkey=orderkeys[line_order], l_partkey=partkeys[offers], l_suppkey=suppkeys[offers], l_linenumber=pa.array(np.ones(n), pa.int32()), l_quantity=pa.Array.from_buffers(pa.decimal128(15, 2), n, [None, pa.py_buffer(words.tobytes())]), l_extendedprice=decimals(900, 100_000, n), l_discount=decimals(0, 0.1, n), l_tax=decimals(0, 0.08, n), l_returnflag=pick(["A", "N", "R"], n), l_linestatus=pick(["F", "O"], n), l_shipdate=dates(ship), l_commitdate=dates(commit), l_receiptdate=dates(receipt), l_shipinstruct=pick(["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"], n), l_shipmode=pick(["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"], n), l_comment=comments(n)),
    }


def main():
    client, con = flight.connect(sys.argv[1]), duckdb.connect()
    for name, rows in make().items():
        tpch.put(client, name, rows)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
    found = 0
    for number, sql in tpch.QUERIES.items():
        answer = tpch.get(client, sql)
        difference = tpch.difference(answer, con.sql(sql).to_arrow_table())
        assert difference is None, f"query {number}: {difference}"
        found += answer.num_rows
    print(json.dumps({"queries": len(tpch.QUERIES), "rows": found}))


main()
