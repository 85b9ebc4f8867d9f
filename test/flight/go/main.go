// What the Go client of Arrow sees over Flight SQL: every command and action. usage: main URL; ends with 1 when something is not as it should be.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	_ "github.com/apache/arrow-go/v18/arrow/flight/flightsql/driver"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var ctx = context.Background()
var failures = 0

func check(ok bool, what string, values ...any) {
	if !ok {
		panic(fmt.Sprintf(what, values...))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func none(err error) {
	if err != nil {
		panic(err)
	}
}

func refused(err error, text string) {
	check(err != nil && strings.Contains(err.Error(), text), "no error with %q: %v", text, err)
}

func step(name string, run func()) {
	defer func() {
		if failure := recover(); failure != nil {
			failures++
			fmt.Println("FAILED", name, failure)
		}
	}()
	run()
	fmt.Println("ok", name)
}

// The rows as text, one a line; the stream must have the schema that was announced.
func read(client *flightsql.Client, info *flight.FlightInfo, err error) string {
	none(err)
	check(len(info.Endpoint) == 1, "%d endpoints", len(info.Endpoint))
	reader := must(client.DoGet(ctx, info.Endpoint[0].Ticket))
	defer reader.Release()
	announced := must(flight.DeserializeSchema(info.Schema, memory.DefaultAllocator))
	check(announced.Equal(reader.Schema()), "announced %s, came %s", announced, reader.Schema())
	var rows []string
	for reader.Next() {
		batch := reader.RecordBatch()
		for row := 0; row < int(batch.NumRows()); row++ {
			var values []string
			for _, column := range batch.Columns() {
				values = append(values, column.ValueStr(row))
			}
			rows = append(rows, strings.Join(values, " "))
		}
	}
	none(reader.Err())
	return strings.Join(rows, "\n")
}

func expect(got, want string) { check(got == want, "got %q, not %q", got, want) }

func numbers(name string, values ...int64) arrow.RecordBatch {
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	return array.NewRecordBatch(schema, []arrow.Array{builder.NewArray()}, int64(len(values)))
}

func main() {
	address := strings.TrimPrefix(os.Args[1], "grpc://")
	connect := func(middleware ...flight.ClientMiddleware) *flightsql.Client {
		return must(flightsql.NewClientCtx(ctx, address, nil, middleware, grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	client := connect()
	query := func(sql string) string { info, err := client.Execute(ctx, sql); return read(client, info, err) }

	step("statements", func() {
		check(must(client.ExecuteUpdate(ctx, "CREATE TABLE t (id BIGINT PRIMARY KEY, s SYMBOL, v DOUBLE)")) == 0, "ddl")
		check(must(client.ExecuteUpdate(ctx, "INSERT INTO t VALUES (1, 'a', 1.5), (2, NULL, NULL)")) == 2, "insert")
		expect(query("SELECT * FROM t ORDER BY id"), "1 a 1.5\n2 (null) (null)")
		_, err := client.Execute(ctx, "SELECT x FROM t")
		refused(err, "column_not_found")
		_, err = client.ExecuteUpdate(ctx, "DELETE FROM nothing")
		refused(err, "table_not_found")
		schema := must(client.GetExecuteSchema(ctx, "SELECT id, s FROM t"))
		check(must(flight.DeserializeSchema(schema.Schema, memory.DefaultAllocator)).NumFields() == 2, "schema")
	})
	step("metadata", func() {
		one := func(schema *arrow.Schema, info *flight.FlightInfo, err error) string {
			none(err)
			announced := must(flight.DeserializeSchema(info.Schema, memory.DefaultAllocator))
			check(announced.Equal(schema), "announced %s, should be %s", announced, schema)
			return read(client, info, err)
		}
		get := func(schema *arrow.Schema, want string) func(*flight.FlightInfo, error) {
			return func(info *flight.FlightInfo, err error) {
				got := one(schema, info, err)
				check(want == "*" || got == want, "got %q", got)
			}
		}
		get(schema_ref.Catalogs, "fletch")(client.GetCatalogs(ctx))
		pattern, catalog, schema := "pub%", "fletch", "public"
		get(schema_ref.DBSchemas, "fletch public")(client.GetDBSchemas(ctx, &flightsql.GetDBSchemasOpts{DbSchemaFilterPattern: &pattern}))
		get(schema_ref.Tables, "fletch public t TABLE")(client.GetTables(ctx, &flightsql.GetTablesOpts{Catalog: &catalog}))
		get(schema_ref.TablesWithIncludedSchema, "*")(client.GetTables(ctx, &flightsql.GetTablesOpts{IncludeSchema: true}))
		get(schema_ref.TableTypes, "TABLE\nVIEW")(client.GetTableTypes(ctx))
		table := flightsql.TableRef{Catalog: &catalog, DBSchema: &schema, Table: "t"}
		get(schema_ref.PrimaryKeys, "fletch public t id 1 t_pkey")(client.GetPrimaryKeys(ctx, table))
		get(schema_ref.ExportedKeys, "")(client.GetExportedKeys(ctx, table))
		get(schema_ref.ImportedKeys, "")(client.GetImportedKeys(ctx, table))
		get(schema_ref.CrossReference, "")(client.GetCrossReference(ctx, table, table))
		decimal := int32(3)
		types := one(schema_ref.XdbcTypeInfo, must(client.GetXdbcTypeInfo(ctx, &decimal)), nil)
		check(strings.HasPrefix(types, "DECIMAL 3 38") && !strings.Contains(types, "\n"), "types %q", types)
		bigint := int32(-5)
		types = one(schema_ref.XdbcTypeInfo, must(client.GetXdbcTypeInfo(ctx, &bigint)), nil)
		check(strings.HasPrefix(types, "BIGINT -5 19"), "types %q", types)
		get(schema_ref.XdbcTypeInfo, "*")(client.GetXdbcTypeInfo(ctx, nil))
		info := must(client.GetSqlInfo(ctx, nil))
		// The reference says nothing of the union's children; other servers let them be null.
		rows := strings.Split(read(client, info, nil), "\n")
		check(len(rows) == 91, "%d infos", len(rows))
		check(strings.Contains(rows[0], "FletchDB"), "name %q", rows[0])
		some := must(client.GetSqlInfo(ctx, []flightsql.SqlInfo{flightsql.SqlInfoTransactionsSupported, flightsql.SqlInfoSupportsConvert}))
		check(strings.Count(read(client, some, nil), "\n") == 1, "two infos")
	})
	step("prepared statements", func() {
		prepared := must(client.Prepare(ctx, "SELECT id, s FROM t WHERE id > ? AND s = ?"))
		check(prepared.DatasetSchema().NumFields() == 2, "result %s", prepared.DatasetSchema())
		parameters := prepared.ParameterSchema()
		check(parameters.Field(0).Name == "$1" && parameters.Field(0).Type.ID() == arrow.INT64 && parameters.Field(1).Type.ID() == arrow.STRING, "parameters %s", parameters)
		_, err := prepared.Execute(ctx)
		refused(err, "parameter_missing")
		none(prepared.Close(ctx))
		_, err = client.Prepare(ctx, "SELECT nothing FROM t WHERE id = ?")
		refused(err, "column_not_found")
	})
	step("prepared rows", func() {
		prepared := must(client.Prepare(ctx, "SELECT ? + id AS n FROM t ORDER BY 1"))
		prepared.SetParameters(numbers("0", 10, 20))
		info, err := prepared.Execute(ctx)
		expect(read(client, info, err), "11\n12\n21\n22")
		none(prepared.Close(ctx))
		insert := must(client.Prepare(ctx, "INSERT INTO t (id) VALUES (?)"))
		insert.SetParameters(numbers("0", 10, 11, 12))
		check(must(insert.ExecuteUpdate(ctx)) == 3, "rows")
		none(insert.Close(ctx))
		check(must(client.ExecuteUpdate(ctx, "DELETE FROM t WHERE id >= 10")) == 3, "delete")
	})
	step("ingest", func() {
		options := func(absent flightsql.TableDefinitionOptionsTableNotExistOption, exists flightsql.TableDefinitionOptionsTableExistsOption) *flightsql.ExecuteIngestOpts {
			return &flightsql.ExecuteIngestOpts{Table: "u", TableDefinitionOptions: &flightsql.TableDefinitionOptions{IfNotExist: absent, IfExists: exists}}
		}
		put := func(to *flightsql.ExecuteIngestOpts, values ...int64) (int64, error) {
			batch := numbers("a", values...)
			return client.ExecuteIngest(ctx, must(array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})), to)
		}
		create, fail := flightsql.TableDefinitionOptionsTableNotExistOptionCreate, flightsql.TableDefinitionOptionsTableNotExistOptionFail
		exists, add, replace := flightsql.TableDefinitionOptionsTableExistsOptionFail, flightsql.TableDefinitionOptionsTableExistsOptionAppend, flightsql.TableDefinitionOptionsTableExistsOptionReplace
		_, err := put(options(fail, add), 1)
		refused(err, "table_not_found")
		check(must(put(options(create, exists), 1, 2)) == 2, "create")
		_, err = put(options(create, exists), 1)
		refused(err, "table_exists")
		check(must(put(options(fail, add), 3)) == 1, "append")
		expect(query("SELECT a FROM u ORDER BY a"), "1\n2\n3")
		check(must(put(options(create, replace), 7)) == 1, "replace")
		expect(query("SELECT a FROM u"), "7")
		// in a transaction
		txn := must(client.BeginTransaction(ctx))
		batch := numbers("b", 1, 2, 3)
		later := options(create, exists)
		later.Table = "later"
		later.TransactionId = txn.ID()
		check(must(client.ExecuteIngest(ctx, must(array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})), later)) == 3, "in a transaction")
		_, err = client.Execute(ctx, "SELECT * FROM later")
		refused(err, "table_not_found")
		info, err := txn.Execute(ctx, "SELECT sum(b) FROM later")
		expect(read(client, info, err), "6")
		none(txn.Commit(ctx))
		expect(query("SELECT sum(b) FROM later"), "6")
	})
	step("transactions", func() {
		count := func() string { return query("SELECT count(*) FROM t") }
		txn := must(client.BeginTransaction(ctx))
		check(must(txn.ExecuteUpdate(ctx, "INSERT INTO t (id) VALUES (50)")) == 1, "insert")
		expect(count(), "2")
		info, err := txn.Execute(ctx, "SELECT count(*) FROM t")
		expect(read(client, info, err), "3")
		point := must(txn.BeginSavepoint(ctx, "here"))
		must(txn.ExecuteUpdate(ctx, "INSERT INTO t (id) VALUES (51), (52)"))
		none(txn.RollbackSavepoint(ctx, point))
		again := must(txn.BeginSavepoint(ctx, "here"))
		must(txn.ExecuteUpdate(ctx, "INSERT INTO t (id) VALUES (53)"))
		none(txn.ReleaseSavepoint(ctx, again))
		prepared := must(txn.Prepare(ctx, "INSERT INTO t (id) VALUES (?)"))
		prepared.SetParameters(numbers("0", 60, 61))
		check(must(prepared.ExecuteUpdate(ctx)) == 2, "prepared")
		none(txn.Commit(ctx))
		expect(count(), "6")
		txn = must(client.BeginTransaction(ctx))
		must(txn.ExecuteUpdate(ctx, "DELETE FROM t"))
		none(txn.Rollback(ctx))
		expect(count(), "6")
	})
	step("cancel, renew, poll", func() {
		info := must(client.Execute(ctx, "SELECT count(*) FROM generate_series(1, 100000000000) WHERE sin(generate_series) > 2"))
		ended := make(chan error, 1)
		go func() {
			reader, err := client.DoGet(ctx, info.Endpoint[0].Ticket)
			if err == nil {
				for reader.Next() {
				}
				err = reader.Err()
			}
			ended <- err
		}()
		time.Sleep(300 * time.Millisecond)
		result := must(client.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: info}))
		check(result.Status == flight.CancelStatusCancelled, "status %s", result.Status)
		refused(<-ended, "cancelled")
		late := must(client.Execute(ctx, "SELECT 1"))
		must(client.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: late}))
		_, err := client.DoGet(ctx, late.Endpoint[0].Ticket)
		refused(err, "cancelled")
		old := must(client.Execute(ctx, "SELECT 2"))
		check(must(client.CancelQuery(ctx, old)) == flightsql.CancelResultCancelled, "old form")
		catalogs := must(client.GetCatalogs(ctx))
		check(must(client.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: catalogs})).Status == flight.CancelStatusNotCancellable, "metadata")
		info = must(client.Execute(ctx, "SELECT 3"))
		renewed := must(client.RenewFlightEndpoint(ctx, &flight.RenewFlightEndpointRequest{Endpoint: info.Endpoint[0]}))
		check(string(renewed.Ticket.Ticket) == string(info.Endpoint[0].Ticket.Ticket), "renewed")
		poll := must(client.ExecutePoll(ctx, "SELECT 4", nil))
		check(poll.GetFlightDescriptor() == nil, "complete")
		expect(read(client, poll.GetInfo(), nil), "4")
	})
	step("sessions", func() {
		own := connect(flight.NewClientCookieMiddleware())
		options := must(flight.NewSessionOptionValues(map[string]any{"catalog": "fletch", "timezone": "Europe/Berlin", "max_rows": int64(7), "nothing": "x", "schema": "nowhere"}))
		result := must(own.SetSessionOptions(ctx, &flight.SetSessionOptionsRequest{SessionOptions: options}))
		check(len(result.Errors) == 2 && result.Errors["nothing"].Value == flight.SetSessionOptionsResultErrorInvalidName, "errors %v", result.Errors)
		got := must(own.GetSessionOptions(ctx, &flight.GetSessionOptionsRequest{}))
		check(got.SessionOptions["timezone"].GetStringValue() == "Europe/Berlin" && got.SessionOptions["max_rows"].GetInt64Value() == 7, "options %v", got)
		info, err := own.Execute(ctx, "SHOW timezone")
		expect(read(own, info, err), "Europe/Berlin")
		txn := must(own.BeginTransaction(ctx))
		info, err = txn.Execute(ctx, "SHOW timezone")
		expect(read(own, info, err), "Europe/Berlin")
		none(txn.Rollback(ctx))
		expect(query("SHOW timezone"), "UTC")
		check(must(own.CloseSession(ctx, &flight.CloseSessionRequest{})).Status == flight.CloseSessionResultClosed, "closed")
		info, err = own.Execute(ctx, "SHOW timezone")
		expect(read(own, info, err), "UTC")
	})
	step("substrait", func() {
		_, err := client.ExecuteSubstrait(ctx, flightsql.SubstraitPlan{Plan: []byte{1}, Version: "1"})
		refused(err, "Substrait")
		_, err = client.PrepareSubstrait(ctx, flightsql.SubstraitPlan{Plan: []byte{1}, Version: "1"})
		refused(err, "Substrait")
		_, err = client.ExecuteSubstraitUpdate(ctx, flightsql.SubstraitPlan{Plan: []byte{1}, Version: "1"})
		refused(err, "Substrait")
	})
	step("large", func() {
		info := must(client.Execute(ctx, "SELECT generate_series AS i, 'text number ' || generate_series AS s FROM generate_series(1, 1000000)"))
		reader := must(client.DoGet(ctx, info.Endpoint[0].Ticket))
		rows := int64(0)
		for reader.Next() {
			rows += reader.RecordBatch().NumRows()
		}
		none(reader.Err())
		check(rows == 1_000_000, "%d rows", rows)
	})
	step("database/sql", func() {
		db := must(sql.Open("flightsql", "flightsql://"+address+"?timeout=30s"))
		defer db.Close()
		must(db.Exec("CREATE TABLE g (s VARCHAR, v DOUBLE, b BOOLEAN)"))
		must(db.Exec("INSERT INTO g VALUES (?, ?, ?)", "x", 1.5, true))
		var s string
		var v float64
		var b bool
		none(db.QueryRow("SELECT * FROM g WHERE v > ? AND s = ?", 1.0, "x").Scan(&s, &v, &b))
		check(s == "x" && v == 1.5 && b, "%v %v %v", s, v, b)
		txn := must(db.Begin())
		must(txn.Exec("DELETE FROM g"))
		none(txn.Rollback())
		var n int64
		none(db.QueryRow("SELECT count(*) FROM g").Scan(&n))
		check(n == 1, "%d rows", n)
	})
	if failures > 0 {
		os.Exit(1)
	}
}
