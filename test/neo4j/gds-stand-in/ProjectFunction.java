package graphkeeper.standin;

import java.util.*;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.graphdb.Node;
import org.neo4j.procedure.*;

public class ProjectFunction {
  @Context public GraphDatabaseService database;

  @UserAggregationFunction("gds.graph.project")
  public Aggregator project() {
    return new Aggregator(database.databaseName());
  }

  public static class Aggregator {
    private final String database;
    private Projections.Projection projection;
    private Map<String, Object> configuration;

    Aggregator(String database) {
      this.database = database;
    }

    @UserAggregationUpdate
    public void update(
        @Name("graphName") String graphName,
        @Name("sourceNode") Object sourceNode,
        @Name(value = "targetNode", defaultValue = "null") Object targetNode,
        @Name(value = "dataConfig", defaultValue = "null") Object dataConfig,
        @Name(value = "configuration", defaultValue = "null") Object configuration,
        @Name(value = "alphaMigrationConfig", defaultValue = "null") Object alphaMigrationConfig) {
      if (projection == null) begin(graphName, map(configuration));
      Map<String, Object> data = map(dataConfig);
      Projections.check(
          data,
          "O sourceNodeProperties", "O sourceNodeLabels", "O targetNodeProperties", "O targetNodeLabels",
          "O relationshipProperties", "S relationshipType");
      long source = load(sourceNode, data.get("sourceNodeLabels"), map(data.get("sourceNodeProperties")));
      if (targetNode == null) return;
      long target = load(targetNode, data.get("targetNodeLabels"), map(data.get("targetNodeProperties")));
      String type = (String) data.getOrDefault("relationshipType", "__ALL__");
      double weight = Double.NaN;
      for (Map.Entry<String, Object> property : map(data.get("relationshipProperties")).entrySet()) {
        projection.propertyOf.put(type, property.getKey());
        weight = ((Number) property.getValue()).doubleValue();
      }
      projection.edges.computeIfAbsent(type, any -> new ArrayList<>()).add(new Projections.Edge(source, target, weight));
    }

    private void begin(String graphName, Map<String, Object> given) {
      Projections.check(
          given,
          "L readConcurrency", "S jobId", "O undirectedRelationshipTypes", "O inverseIndexedRelationshipTypes",
          "B sudo", "B logProgress", "S username", "B validateRelationships");
      if (graphName.isBlank()) throw new IllegalArgumentException("`graphName` can not be null or blank");
      if (Projections.STORED.containsKey(Projections.key(database, graphName)))
        throw new IllegalArgumentException("Graph " + graphName + " already exists");
      configuration = given;
      projection = new Projections.Projection(graphName, database);
      projection.undirected = List.of("*").equals(given.get("undirectedRelationshipTypes"));
      Projections.CALLS.add(new Projections.Call("gds.graph.project", graphName, given));
      if ("gds.graph.project".equals(Projections.KNOBS.get("fail"))) throw new IllegalStateException("planted");
    }

    /** What is said of a node first stays. */
    private long load(Object node, Object labels, Map<String, Object> properties) {
      long id;
      if (node instanceof Node known) id = known.getId();
      else if (node instanceof Long number) id = number;
      else throw new IllegalArgumentException("The node has to be either a NODE or an INTEGER, but got " + node);
      if (projection.labels.containsKey(id)) return id;
      Set<String> names = new TreeSet<>();
      if (labels instanceof List<?> list) list.forEach(label -> names.add((String) label));
      projection.labels.put(id, names);
      if (properties.get("embedding") instanceof List<?> list)
        projection.embeddings.put(id, list.stream().mapToDouble(x -> (Double) x).toArray());
      else if (properties.get("embedding") instanceof double[] array) projection.embeddings.put(id, array);
      return id;
    }

    @UserAggregationResult
    public Map<String, Object> result() {
      if (projection == null) return null;
      Projections.store(projection);
      Map<String, Object> result = new HashMap<>();
      result.put("graphName", projection.name);
      result.put("nodeCount", (long) projection.labels.size());
      result.put("relationshipCount", (long) projection.allEdges().size());
      result.put("projectMillis", 0L);
      result.put("configuration", configuration);
      return result;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
      return value == null ? Map.of() : (Map<String, Object>) value;
    }
  }
}
