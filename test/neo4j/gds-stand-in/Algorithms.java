package graphkeeper.standin;

import java.util.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.procedure.*;

/** The simplest exact way to each answer. */
public class Algorithms {
  @Context public GraphDatabaseService database;
  @Context public TerminationGuard guard;

  private static final String[] BASE = {
    "L concurrency", "S jobId", "O nodeLabels", "O relationshipTypes", "B sudo", "B logProgress", "S username"
  };
  private static final AtomicLong RUNS = new AtomicLong();

  private static String[] with(String... more) {
    List<String> all = new ArrayList<>(List.of(BASE));
    all.addAll(List.of(more));
    return all.toArray(new String[0]);
  }

  private static final String[] KNN =
      with(
          "O nodeProperties", "L topK", "D sampleRate", "D perturbationRate", "D deltaThreshold", "D similarityCutoff",
          "L maxIterations", "L randomJoins", "S initialSampler", "L randomSeed", "S mutateRelationshipType", "S mutateProperty");
  private static final String[] LEIDEN =
      with(
          "D gamma", "D theta", "L maxLevels", "B includeIntermediateCommunities", "D tolerance", "L randomSeed",
          "S seedProperty", "B consecutiveIds", "S relationshipWeightProperty", "L minCommunitySize");
  private static final String[] PAGE_RANK =
      with("D dampingFactor", "L maxIterations", "D tolerance", "S relationshipWeightProperty", "O sourceNodes", "O scaler");
  private static final String[] WCC =
      with("D threshold", "S seedProperty", "B consecutiveIds", "S relationshipWeightProperty", "L minComponentSize");

  private Projections.Projection begin(String procedure, String graphName, Map<String, Object> configuration, String[] keys) {
    Projections.CALLS.add(new Projections.Call(procedure, graphName, configuration));
    Projections.check(configuration, keys);
    Projections.Projection projection = Projections.find(database.databaseName(), graphName);
    if (configuration.get("relationshipWeightProperty") instanceof String weight && !projection.propertyOf.containsValue(weight))
      throw new IllegalArgumentException("Relationship weight property `" + weight + "` not found");
    if (procedure.equals(Projections.KNOBS.get("full")))
      throw new IllegalStateException(
          "Procedure was blocked since minimum estimated memory (42 GiB) exceeds current free memory (1 GiB).");
    if (procedure.equals(Projections.KNOBS.get("fail"))) throw new IllegalStateException("planted");
    if (procedure.equals(Projections.KNOBS.get("hold"))) hold((String) configuration.get("jobId"));
    return projection;
  }

  /** Until the knob is turned back, or the transaction is ended. */
  private void hold(String job) {
    Projections.KNOBS.put("held", job);
    try {
      while (Projections.KNOBS.containsKey("hold")) {
        guard.check();
        Thread.sleep(5);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } catch (RuntimeException e) {
      Projections.KNOBS.put("terminated", job);
      throw e;
    } finally {
      Projections.KNOBS.remove("held");
    }
  }

  public static class KnnMutateResult {
    public long preProcessingMillis;
    public long computeMillis;
    public long mutateMillis;
    public long postProcessingMillis;
    public long nodesCompared;
    public long relationshipsWritten;
    public Map<String, Object> similarityDistribution = Map.of();
    public Map<String, Object> configuration = Map.of();
    public long ranIterations;
    public long nodePairsConsidered;
    public boolean didConverge = true;
  }

  @Procedure(name = "gds.knn.mutate", mode = Mode.READ)
  public Stream<KnnMutateResult> knn(
      @Name("graphName") String graphName,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.Projection projection = begin("gds.knn.mutate", graphName, configuration, KNN);
    if (configuration.containsKey("randomSeed") && !Long.valueOf(1).equals(configuration.get("concurrency")))
      throw new IllegalArgumentException(
          "Configuration parameter 'randomSeed' may only be set if parameter 'concurrency' is equal to 1");
    String type = (String) configuration.get("mutateRelationshipType");
    if (projection.edges.containsKey(type)) throw new IllegalArgumentException("Relationship type `" + type + "` already exists");
    if (!Map.of("embedding", "COSINE").equals(configuration.get("nodeProperties")))
      throw new IllegalArgumentException("only the cosine of `embedding` is projected here");
    int k = ((Long) configuration.get("topK")).intValue();
    double cutoff = (Double) configuration.get("similarityCutoff");
    List<?> labels = (List<?>) configuration.getOrDefault("nodeLabels", List.of("*"));
    List<Long> nodes =
        projection.labels.keySet().stream()
            .filter(id -> labels.contains("*") || labels.stream().anyMatch(projection.labels.get(id)::contains))
            .toList();
    List<Projections.Edge> found = new ArrayList<>();
    for (long a : nodes) {
      guard.check();
      double[] x = projection.embeddings.get(a);
      if (x == null) throw new IllegalArgumentException("Missing `List of Float` node property `embedding` for node with id `" + a + "`.");
      List<Projections.Edge> near = new ArrayList<>();
      for (long b : nodes) {
        if (a == b) continue;
        double similarity = (1 + cosine(x, projection.embeddings.get(b))) / 2;
        if (similarity >= cutoff) near.add(new Projections.Edge(a, b, similarity));
      }
      near.sort(Comparator.comparingDouble((Projections.Edge e) -> -e.weight()).thenComparingLong(Projections.Edge::target));
      found.addAll(near.subList(0, Math.min(k, near.size())));
    }
    projection.edges.put(type, found);
    projection.propertyOf.put(type, (String) configuration.get("mutateProperty"));
    KnnMutateResult result = new KnnMutateResult();
    result.nodesCompared = nodes.size();
    result.relationshipsWritten = found.size();
    return Stream.of(result);
  }

  private static double cosine(double[] x, double[] y) {
    double xy = 0, xx = 0, yy = 0;
    for (int i = 0; i < x.length; i++) {
      xy += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    return xy / Math.sqrt(xx * yy);
  }

  public static class LeidenStreamResult {
    public long nodeId;
    public long communityId;
    public List<Long> intermediateCommunityIds;
  }

  /** Two levels: what labels spread to by weight, and connected components above it. Numbers differ from run to run. */
  @Procedure(name = "gds.leiden.stream", mode = Mode.READ)
  public Stream<LeidenStreamResult> leiden(
      @Name("graphName") String graphName,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.Projection projection = begin("gds.leiden.stream", graphName, configuration, LEIDEN);
    if (!projection.undirected)
      throw new IllegalArgumentException("Leiden requires relationship projections to be UNDIRECTED.");
    Map<Long, List<Projections.Edge>> neighbours = neighbours(projection);
    Map<Long, Long> labels = new TreeMap<>();
    projection.labels.keySet().forEach(id -> labels.put(id, id));
    for (int round = 0; round < 5; round++) {
      for (long v : projection.labels.keySet()) {
        Map<Long, Double> weights = new TreeMap<>();
        for (Projections.Edge e : neighbours.get(v))
          if (e.target() != v) weights.merge(labels.get(e.target()), e.weight(), Double::sum);
        double best = 0;
        for (Map.Entry<Long, Double> w : weights.entrySet()) {
          if (w.getValue() > best + 1e-12) {
            best = w.getValue();
            labels.put(v, w.getKey());
          }
        }
      }
    }
    Map<Long, Long> components = components(projection);
    long offset = 100_000 * RUNS.incrementAndGet();
    return projection.labels.keySet().stream()
        .map(
            id -> {
              LeidenStreamResult row = new LeidenStreamResult();
              row.nodeId = id;
              row.communityId = offset + components.get(id);
              if (Boolean.TRUE.equals(configuration.get("includeIntermediateCommunities")))
                row.intermediateCommunityIds = List.of(offset + labels.get(id), row.communityId);
              return row;
            });
  }

  public static class CentralityStreamResult {
    public long nodeId;
    public double score;
  }

  @Procedure(name = "gds.pageRank.stream", mode = Mode.READ)
  public Stream<CentralityStreamResult> pageRank(
      @Name("graphName") String graphName,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.Projection projection = begin("gds.pageRank.stream", graphName, configuration, PAGE_RANK);
    double damping = (Double) configuration.getOrDefault("dampingFactor", 0.85);
    double tolerance = (Double) configuration.getOrDefault("tolerance", 1e-7);
    long rounds = (Long) configuration.getOrDefault("maxIterations", 20L);
    Map<Long, List<Projections.Edge>> neighbours = neighbours(projection);
    Map<Long, Double> scores = new TreeMap<>();
    projection.labels.keySet().forEach(id -> scores.put(id, 1 - damping));
    for (long round = 0; round < rounds; round++) {
      guard.check();
      Map<Long, Double> next = new TreeMap<>();
      projection.labels.keySet().forEach(id -> next.put(id, 1 - damping));
      neighbours.forEach(
          (v, edges) -> {
            double strength = edges.stream().mapToDouble(Projections.Edge::weight).sum();
            for (Projections.Edge e : edges) next.merge(e.target(), damping * scores.get(v) * e.weight() / strength, Double::sum);
          });
      double change = 0;
      for (long v : next.keySet()) change = Math.max(change, Math.abs(next.get(v) - scores.get(v)));
      scores.putAll(next);
      if (change < tolerance) break;
    }
    return scores.entrySet().stream()
        .map(
            entry -> {
              CentralityStreamResult row = new CentralityStreamResult();
              row.nodeId = entry.getKey();
              row.score = entry.getValue();
              return row;
            });
  }

  public static class WccStreamResult {
    public long nodeId;
    public long componentId;
  }

  @Procedure(name = "gds.wcc.stream", mode = Mode.READ)
  public Stream<WccStreamResult> wcc(
      @Name("graphName") String graphName,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.Projection projection = begin("gds.wcc.stream", graphName, configuration, WCC);
    return components(projection).entrySet().stream()
        .map(
            entry -> {
              WccStreamResult row = new WccStreamResult();
              row.nodeId = entry.getKey();
              row.componentId = entry.getValue();
              return row;
            });
  }

  private static Map<Long, List<Projections.Edge>> neighbours(Projections.Projection projection) {
    Map<Long, List<Projections.Edge>> result = new TreeMap<>();
    projection.labels.keySet().forEach(id -> result.put(id, new ArrayList<>()));
    for (Projections.Edge e : projection.allEdges()) {
      result.get(e.source()).add(e);
      if (projection.undirected) result.get(e.target()).add(new Projections.Edge(e.target(), e.source(), e.weight()));
    }
    return result;
  }

  private static Map<Long, Long> components(Projections.Projection projection) {
    Map<Long, Long> root = new TreeMap<>();
    projection.labels.keySet().forEach(id -> root.put(id, id));
    for (Projections.Edge e : projection.allEdges()) {
      long a = top(root, e.source());
      long b = top(root, e.target());
      root.put(Math.max(a, b), Math.min(a, b));
    }
    root.keySet().forEach(id -> root.put(id, top(root, id)));
    return root;
  }

  private static long top(Map<Long, Long> root, long v) {
    while (root.get(v) != v) v = root.get(v);
    return v;
  }

  public static class MemoryEstimateResult {
    public String requiredMemory = "";
    public String treeView = "";
    public Map<String, Object> mapView = Map.of();
    public long bytesMin;
    public long bytesMax;
    public long nodeCount;
    public long relationshipCount;
    public double heapPercentageMin;
    public double heapPercentageMax;
  }

  private Stream<MemoryEstimateResult> estimate(String procedure, Map<String, Object> graph) {
    Projections.CALLS.add(new Projections.Call(procedure, "", graph));
    MemoryEstimateResult result = new MemoryEstimateResult();
    result.nodeCount = (Long) graph.get("nodeCount");
    result.relationshipCount = (Long) graph.get("relationshipCount");
    double factor = procedure.equals(Projections.KNOBS.get("huge")) ? 1e9 : 1;
    result.bytesMin = result.bytesMax = (long) ((200 * result.nodeCount + 50 * result.relationshipCount) * factor);
    double share = (double) result.bytesMax / Runtime.getRuntime().maxMemory();
    result.heapPercentageMin = result.heapPercentageMax = Math.ceil(share * 10) / 10;
    return Stream.of(result);
  }

  @SuppressWarnings("unchecked")
  private Stream<MemoryEstimateResult> estimate(String procedure, Object graph, Map<String, Object> configuration, String[] keys) {
    Projections.check(configuration, keys);
    Map<String, Object> fictive = (Map<String, Object>) graph;
    Projections.check(fictive, "L nodeCount", "L relationshipCount", "O nodeProjection", "O relationshipProjection");
    return estimate(procedure, fictive);
  }

  @Procedure(name = "gds.graph.project.estimate", mode = Mode.READ)
  public Stream<MemoryEstimateResult> projectEstimate(
      @Name("nodeProjection") Object nodeProjection,
      @Name("relationshipProjection") Object relationshipProjection,
      @Name(value = "configuration", defaultValue = "{}") Map<String, Object> configuration) {
    Projections.check(
        configuration, "L nodeCount", "L relationshipCount", "O nodeProperties", "O relationshipProperties", "L readConcurrency");
    return estimate("gds.graph.project.estimate", configuration);
  }

  @Procedure(name = "gds.knn.mutate.estimate", mode = Mode.READ)
  public Stream<MemoryEstimateResult> knnEstimate(
      @Name("graphNameOrConfiguration") Object graph, @Name("algoConfiguration") Map<String, Object> configuration) {
    return estimate("gds.knn.mutate.estimate", graph, configuration, KNN);
  }

  @Procedure(name = "gds.leiden.stream.estimate", mode = Mode.READ)
  public Stream<MemoryEstimateResult> leidenEstimate(
      @Name("graphNameOrConfiguration") Object graph, @Name("algoConfiguration") Map<String, Object> configuration) {
    return estimate("gds.leiden.stream.estimate", graph, configuration, LEIDEN);
  }

  @Procedure(name = "gds.pageRank.stream.estimate", mode = Mode.READ)
  public Stream<MemoryEstimateResult> pageRankEstimate(
      @Name("graphNameOrConfiguration") Object graph, @Name("algoConfiguration") Map<String, Object> configuration) {
    return estimate("gds.pageRank.stream.estimate", graph, configuration, PAGE_RANK);
  }

  @Procedure(name = "gds.wcc.stream.estimate", mode = Mode.READ)
  public Stream<MemoryEstimateResult> wccEstimate(
      @Name("graphNameOrConfiguration") Object graph, @Name("algoConfiguration") Map<String, Object> configuration) {
    return estimate("gds.wcc.stream.estimate", graph, configuration, WCC);
  }
}
