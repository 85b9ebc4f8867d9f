import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;

/** What the Arrow Flight SQL JDBC driver sees. usage: Jdbc.java URL; ends with 1 when something is not as it should be. */
public class Jdbc {
  interface Step {
    void run(Connection connection) throws Exception;
  }

  static String url;
  static int failures = 0;

  static void step(String name, Step step) {
    try (Connection connection = DriverManager.getConnection(url)) {
      step.run(connection);
      System.out.println("ok " + name);
    } catch (Throwable failure) {
      failures++;
      System.out.println("FAILED " + name);
      failure.printStackTrace(System.out);
    }
  }

  static void expect(Object got, Object want) {
    if (!String.valueOf(got).equals(String.valueOf(want))) throw new AssertionError("got " + got + ", not " + want);
  }

  static List<List<Object>> rows(ResultSet result) throws SQLException {
    try (result) {
      List<List<Object>> rows = new ArrayList<>();
      int columns = result.getMetaData().getColumnCount();
      while (result.next()) {
        List<Object> row = new ArrayList<>();
        for (int i = 1; i <= columns; i++) row.add(result.getObject(i));
        rows.add(row);
      }
      return rows;
    }
  }

  static List<List<Object>> query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return rows(statement.executeQuery(sql));
    }
  }

  static int update(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  public static void main(String[] args) {
    url = args[0].replace("grpc://", "jdbc:arrow-flight-sql://") + "/?useEncryption=false";
    step("types", Jdbc::types);
    step("updates", Jdbc::updates);
    step("prepared queries", Jdbc::preparedQueries);
    step("prepared updates and batches", Jdbc::preparedUpdates);
    step("metadata", Jdbc::metadata);
    step("errors", Jdbc::errors);
    step("large results", Jdbc::large);
    url += "&user=me&password=secret";
    step("a user", (connection) -> expect(query(connection, "SELECT 1"), "[[1]]"));
    url = url.replace("&user=me&password=secret", "&token=abc");
    step("a token", (connection) -> expect(query(connection, "SELECT 1"), "[[1]]"));
    catalog();
    System.exit(failures == 0 ? 0 : 1);
  }

  static void types(Connection connection) throws SQLException {
    String sql = "SELECT 1 AS a, 'x' AS b, 1.5 AS c, true AS d, NULL AS e, DATE '2026-01-02' AS f, TIMESTAMP '2026-01-02 03:04:05.678' AS g,"
        + " CAST(12.34 AS DECIMAL(10, 2)) AS h, CAST('s' AS SYMBOL) AS i, [1, 2] AS j";
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      ResultSetMetaData columns = result.getMetaData();
      expect(columns.getColumnName(1) + columns.getColumnTypeName(1), "aBIGINT");
      expect(columns.getColumnTypeName(8) + columns.getPrecision(8) + columns.getScale(8), "DECIMAL102");
      expect(result.next(), true);
      expect(result.getLong("a") + result.getString("b") + result.getDouble("c") + result.getBoolean("d"), "1x1.5true");
      expect(result.getObject("e"), null);
      expect(result.getDate("f") + " " + result.getBigDecimal("h") + " " + result.getString("i"), "2026-01-02 12.34 s");
      expect(result.getTimestamp("g"), "2026-01-02 03:04:05.678");
      expect(result.getArray("j").getArray() instanceof Object[], true);
      expect(result.next(), false);
    }
  }

  static void updates(Connection connection) throws SQLException {
    expect(update(connection, "CREATE TABLE t (ts TIMESTAMP, s SYMBOL, v DOUBLE, n BIGINT, i INTEGER, b BOOLEAN, d DATE, de DECIMAL(12, 3))"), 0);
    expect(update(connection, "INSERT INTO t (s, n) VALUES ('a', 1), ('b', 2)"), 2);
    try (Statement statement = connection.createStatement()) {
      expect(statement.execute("UPDATE t SET v = 1.5"), false);
      expect(statement.getUpdateCount(), 2);
      expect(statement.execute("SELECT s, v FROM t ORDER BY s"), true);
      expect(rows(statement.getResultSet()), "[[a, 1.5], [b, 1.5]]");
    }
  }

  static void preparedQueries(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT s, n FROM t WHERE n >= ? AND s LIKE ? ORDER BY n")) {
      ParameterMetaData parameters = statement.getParameterMetaData();
      expect(parameters.getParameterCount(), 2);
      statement.setLong(1, 2);
      statement.setString(2, "%");
      expect(rows(statement.executeQuery()), "[[b, 2]]");
      statement.setInt(1, 1);
      statement.setString(2, "a%");
      expect(rows(statement.executeQuery()), "[[a, 1]]");
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT count(*) FROM t")) {
      expect(rows(statement.executeQuery()), "[[2]]");
    }
  }

  static void preparedUpdates(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)")) {
      statement.setTimestamp(1, Timestamp.valueOf("2026-01-02 03:04:05.678"));
      statement.setString(2, "z");
      statement.setDouble(3, 2.5);
      statement.setLong(4, 10);
      statement.setInt(5, 7);
      statement.setBoolean(6, true);
      statement.setDate(7, Date.valueOf("2026-01-02"));
      statement.setBigDecimal(8, new BigDecimal("1.125"));
      expect(statement.executeUpdate(), 1);
      for (int i = 0; i < 100; i++) {
        statement.setNull(1, Types.TIMESTAMP);
        statement.setString(2, "k" + i);
        statement.setDouble(3, i);
        statement.setLong(4, 100 + i);
        statement.setInt(5, i);
        statement.setNull(6, Types.BOOLEAN);
        statement.setNull(7, Types.DATE);
        statement.setNull(8, Types.DECIMAL);
        statement.addBatch();
      }
      statement.executeBatch();
    }
    expect(query(connection, "SELECT * FROM t WHERE n = 10"), "[[2026-01-02 03:04:05.678, z, 2.5, 10, 7, true, 2026-01-02, 1.125]]");
    expect(query(connection, "SELECT count(*), sum(v), count(ts) FROM t WHERE n >= 100"), "[[100, 4950.0, 0]]");
  }

  static void metadata(Connection connection) throws Exception {
    update(connection, "CREATE TABLE keyed (id BIGINT PRIMARY KEY, name VARCHAR)");
    DatabaseMetaData about = connection.getMetaData();
    expect(about.getDatabaseProductName(), "FletchDB");
    expect(rows(about.getCatalogs()), "[[fletch]]");
    expect(rows(about.getSchemas(null, "pub%")), "[[public, fletch]]");
    expect(rows(about.getTables(null, "public", "T%", new String[] {"TABLE"})).get(0).subList(0, 4), "[fletch, public, t, TABLE]");
    expect(rows(about.getTableTypes()), "[[TABLE], [VIEW]]");
    List<List<Object>> columns = rows(about.getColumns(null, null, "t", "d%"));
    expect(columns.get(0).subList(3, 6) + "" + columns.get(1).subList(3, 7), "[d, 91, DATE][de, 3, DECIMAL(12, 3), 12]");
    expect(rows(about.getPrimaryKeys(null, "public", "keyed")).get(0).subList(2, 6), "[keyed, id, 1, keyed_pkey]");
    expect(rows(about.getImportedKeys(null, null, "t")).size() + rows(about.getExportedKeys(null, null, "t")).size(), 0);
    expect(about.supportsConvert(Types.INTEGER, Types.VARCHAR), true);
    for (java.lang.reflect.Method method : DatabaseMetaData.class.getMethods()) {
      if (method.getParameterCount() > 0 || method.getDeclaringClass() != DatabaseMetaData.class) continue;
      if (method.invoke(about) instanceof ResultSet result) result.close();
    }
  }

  static void errors(Connection connection) {
    try {
      query(connection, "SELECT x FROM t");
    } catch (SQLException error) {
      if (error.getMessage().contains("column_not_found")) return;
    }
    throw new AssertionError("no column_not_found");
  }

  static void large(Connection connection) throws SQLException {
    String sql = "SELECT generate_series AS i, 'text' || generate_series AS s FROM generate_series(1, 300000)";
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      long sum = 0;
      while (result.next()) sum += result.getLong(1);
      expect(sum, 300_000L * 300_001L / 2);
    }
  }

  /** A catalog in the URL opens a session. The driver closes it twice, and fails the second time. */
  static void catalog() {
    try (Connection connection = DriverManager.getConnection(url + "&catalog=fletch")) {
      expect(query(connection, "SELECT 1"), "[[1]]");
    } catch (Throwable failure) {
      if (failure instanceof SQLException && failure.getMessage().contains("Channel shutdown")) return;
      failures++;
      failure.printStackTrace(System.out);
    }
  }
}
