package graphkeeper.standin;

import java.time.LocalTime;
import java.time.ZonedDateTime;
import java.util.*;
import java.util.stream.Stream;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.procedure.*;

/** Lists, drops and streams what is projected. */
public class Catalogue {
  @Context public GraphDatabaseService database;

  @UserFunction("gds.version")
  public String version() {
    return Projections.KNOBS.getOrDefault("version", "2.13.10");
  }

  public static class GraphInfo {
    public String graphName;
    public String database;
    public String databaseLocation = "local";
    public String memoryUsage = "";
    public long sizeInBytes = -1;
    public long nodeCount;
    public long relationshipCount;
    public Map<String, Object> configuration = Map.of();
    public double density;
    public ZonedDateTime creationTime = ZonedDateTime.now();
    public ZonedDateTime modificationTime = ZonedDateTime.now();
    public Map<String, Object> schema = Map.of();
    public Map<String, Object> schemaWithOrientation = Map.of();

    GraphInfo(Projections.Projection projection) {
      graphName = projection.name;
      database = projection.database;
      nodeCount = projection.labels.size();
      relationshipCount = projection.allEdges().size();
    }
  }

  public static class GraphInfoWithHistogram extends GraphInfo {
    public Map<String, Object> degreeDistribution = Map.of();

    GraphInfoWithHistogram(Projections.Projection projection) {
      super(projection);
    }
  }

  @Procedure(name = "gds.graph.list", mode = Mode.READ)
  public Stream<GraphInfoWithHistogram> list(@Name(value = "graphName", defaultValue = "") String graphName) {
    return Projections.STORED.values().stream()
        .filter(p -> graphName.isEmpty() || p.name.equals(graphName))
        .map(GraphInfoWithHistogram::new);
  }

  @Procedure(name = "gds.graph.drop", mode = Mode.READ)
  public Stream<GraphInfo> drop(
      @Name("graphName") Object graphName,
      @Name(value = "failIfMissing", defaultValue = "true") boolean failIfMissing,
      @Name(value = "dbName", defaultValue = "") String dbName,
      @Name(value = "username", defaultValue = "") String username) {
    String where = dbName.isEmpty() ? database.databaseName() : dbName;
    List<?> names = graphName instanceof List<?> list ? list : List.of(graphName);
    List<GraphInfo> dropped = new ArrayList<>();
    for (Object name : names) {
      Projections.Projection found = Projections.STORED.remove(Projections.key(where, (String) name));
      if (found == null && failIfMissing) Projections.find(where, (String) name);
      if (found == null) continue;
      Projections.CALLS.add(new Projections.Call("gds.graph.drop", found.name, Map.of()));
      dropped.add(new GraphInfo(found));
    }
    return dropped.stream();
  }

  public static class PropertyRow {
    public long sourceNodeId;
    public long targetNodeId;
    public String relationshipType;
    public Number propertyValue;
  }

  @Procedure(name = "gds.graph.relationshipProperty.stream", mode = Mode.READ)
  public Stream<PropertyRow> streamProperty(
      @Name("graphName") String graphName,
      @Name("relationshipProperty") String relationshipProperty,
      @Name(value = "relationshipTypes", defaultValue = "['*']") Object relationshipTypes,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.check(configuration, "L concurrency", "B sudo", "S jobId");
    Projections.Projection projection = Projections.find(database.databaseName(), graphName);
    List<PropertyRow> rows = new ArrayList<>();
    for (Object type : (List<?>) relationshipTypes) {
      List<Projections.Edge> edges = projection.edges.get((String) type);
      if (edges == null || !relationshipProperty.equals(projection.propertyOf.get((String) type)))
        throw new IllegalArgumentException(
            "Expecting all specified relationship projections to have the relationship property `" + relationshipProperty + "`");
      for (Projections.Edge edge : edges) {
        PropertyRow row = new PropertyRow();
        row.sourceNodeId = edge.source();
        row.targetNodeId = edge.target();
        row.relationshipType = (String) type;
        row.propertyValue = edge.weight();
        rows.add(row);
      }
    }
    return rows.stream();
  }

  public static class ProgressResult {
    public String username = "";
    public String jobId;
    public String taskName = "Task";
    public String progress;
    public String progressBar = "";
    public String status = "RUNNING";
    public LocalTime timeStarted = LocalTime.now();
    public String elapsedTime = "";
  }

  /** A job that is held up is at 42.5 %. */
  @Procedure(name = "gds.listProgress", mode = Mode.READ)
  public Stream<ProgressResult> progress(@Name(value = "jobId", defaultValue = "") String jobId) {
    String held = Projections.KNOBS.get("held");
    if (held == null || !(jobId.isEmpty() || jobId.equals(held))) return Stream.empty();
    ProgressResult result = new ProgressResult();
    result.jobId = held;
    result.progress = "42.5%";
    return Stream.of(result);
  }
}
