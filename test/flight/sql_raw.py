"""Flight SQL messages that no proper client sends. usage: sql_raw.py URL; exits with a traceback when the server does more than refuse them."""
import random
import sys

import pyarrow as pa
import pyarrow.flight as fl

client = fl.connect(sys.argv[1])
PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."
COMMANDS = """CommandStatementQuery CommandStatementUpdate CommandPreparedStatementQuery CommandPreparedStatementUpdate CommandStatementIngest
CommandStatementSubstraitPlan CommandGetCatalogs CommandGetDbSchemas CommandGetTables CommandGetTableTypes CommandGetPrimaryKeys CommandGetExportedKeys
CommandGetImportedKeys CommandGetCrossReference CommandGetXdbcTypeInfo CommandGetSqlInfo TicketStatementQuery""".split()
ACTIONS = {
    "CreatePreparedStatement": "ActionCreatePreparedStatementRequest", "ClosePreparedStatement": "ActionClosePreparedStatementRequest",
    "CreatePreparedSubstraitPlan": "ActionCreatePreparedSubstraitPlanRequest", "BeginTransaction": "ActionBeginTransactionRequest",
    "EndTransaction": "ActionEndTransactionRequest", "BeginSavepoint": "ActionBeginSavepointRequest", "EndSavepoint": "ActionEndSavepointRequest",
    "CancelQuery": "ActionCancelQueryRequest", "CancelFlightInfo": None, "RenewFlightEndpoint": None, "SetSessionOptions": None,
    "GetSessionOptions": None, "CloseSession": None,
}


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value >> 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number * 8 + 2) + varint(len(value)) + value


def wrapped(name, message):
    return field(1, PREFIX + name) + field(2, message)


rng = random.Random(5)


def message():
    kinds = [lambda: rng.randbytes(rng.randrange(12)), lambda: b"", lambda: field(rng.randrange(1, 9), rng.randbytes(rng.randrange(40))),
             lambda: field(1, "SELECT 1") + field(2, "nothing"), lambda: field(1, field(1, rng.randbytes(9)) + field(2, 7)), lambda: field(1, 2**63),
             lambda: b"".join(field(i, rng.choice([b"", b"\xff\xfe", "%", rng.randrange(2**40)])) for i in range(1, 7))]
    return rng.choice(kinds)()


def attempt(call, *ok):
    try:
        call()
    except (pa.ArrowException, fl.FlightError, KeyError) as error:
        assert "internal" not in str(error).lower().split("message: ")[-1][:10], error


def put(command):
    schema = pa.schema([("a", pa.int64())])
    writer, reader = client.do_put(fl.FlightDescriptor.for_command(command), schema)
    try:
        writer.write_batch(pa.record_batch([[1, 2]], schema=schema))
        writer.done_writing()
        while reader.read() is not None:
            pass
    finally:
        writer.close()


for _ in range(40):
    for name in COMMANDS:
        command = wrapped(name, message())
        if rng.random() < 0.2:
            command = command[: rng.randrange(len(command))]
        attempt(lambda: client.get_flight_info(fl.FlightDescriptor.for_command(command)))
        attempt(lambda: client.get_schema(fl.FlightDescriptor.for_command(command)))
        attempt(lambda: client.do_get(fl.Ticket(command)).read_all())
        if rng.random() < 0.2:
            attempt(lambda: put(command))
    for name, request in ACTIONS.items():
        body = message() if request is None else wrapped(request, message())
        attempt(lambda: list(client.do_action(fl.Action(name, body))))

info = client.get_flight_info(fl.FlightDescriptor.for_command(wrapped("CommandStatementQuery", field(1, "SELECT 1 AS a"))))
assert client.do_get(info.endpoints[0].ticket).read_all().to_pylist() == [{"a": 1}]
# what is told and what is sent never differ: a ticket is refused when the columns have changed
sql = lambda text: list(client.do_get(client.get_flight_info(fl.FlightDescriptor.for_command(wrapped("CommandStatementQuery", field(1, text)))).endpoints[0].ticket))
sql("CREATE TABLE changing (a BIGINT)")
info = client.get_flight_info(fl.FlightDescriptor.for_command(wrapped("CommandStatementQuery", field(1, "SELECT * FROM changing"))))
sql("ALTER TABLE changing ADD COLUMN b VARCHAR")
try:
    client.do_get(info.endpoints[0].ticket).read_all()
    raise AssertionError("no conflict")
except fl.FlightUnavailableError as error:
    assert "conflict" in str(error), error
