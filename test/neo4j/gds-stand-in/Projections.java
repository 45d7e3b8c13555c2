package graphkeeper.standin;

import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** The catalogue of projections, what was called, and the faults that tests plant. */
public final class Projections {
  public record Edge(long source, long target, double weight) {}

  public static final class Projection {
    public final String name;
    public final String database;
    public final Map<Long, Set<String>> labels = new TreeMap<>();
    public final Map<Long, double[]> embeddings = new TreeMap<>();
    public final Map<String, List<Edge>> edges = new TreeMap<>();
    public final Map<String, String> propertyOf = new HashMap<>();
    public boolean undirected;

    public Projection(String name, String database) {
      this.name = name;
      this.database = database;
    }

    /** Of all types together. */
    public List<Edge> allEdges() {
      List<Edge> all = new ArrayList<>();
      edges.values().forEach(all::addAll);
      return all;
    }
  }

  public record Call(String name, String graph, Map<String, Object> configuration) {}

  public static final Map<String, Projection> STORED = new ConcurrentHashMap<>();
  /** Every projection that ever was, for tests to look at. */
  public static final List<Projection> HISTORY = new CopyOnWriteArrayList<>();
  public static final List<Call> CALLS = new CopyOnWriteArrayList<>();
  public static final Map<String, String> KNOBS = new ConcurrentHashMap<>();

  private Projections() {}

  static String key(String database, String name) {
    return database + "\u0000" + name;
  }

  public static Projection find(String database, String name) {
    Projection found = STORED.get(key(database, name));
    if (found == null) {
      throw new NoSuchElementException(
          "Graph with name `" + name + "` does not exist on database `" + database + "`. It might exist on another database.");
    }
    return found;
  }

  public static void store(Projection projection) {
    if (STORED.putIfAbsent(key(projection.database, projection.name), projection) != null) {
      throw new IllegalArgumentException("Graph " + projection.name + " already exists");
    }
    HISTORY.add(projection);
  }

  /** Refuses keys that the library does not know and numbers of the wrong type; `types` is key to D, L, S, B or O. */
  public static void check(Map<String, Object> configuration, String... types) {
    Map<String, String> known = new HashMap<>();
    for (String type : types) known.put(type.substring(2), type.substring(0, 1));
    configuration.forEach(
        (key, value) -> {
          String type = known.get(key);
          if (type == null) throw new IllegalArgumentException("Unexpected configuration key: " + key);
          boolean fits =
              switch (type) {
                case "D" -> value instanceof Double;
                case "L" -> value instanceof Long;
                case "S" -> value instanceof String;
                case "B" -> value instanceof Boolean;
                default -> true;
              };
          if (!fits) {
            throw new IllegalArgumentException(
                "The value of `" + key + "` is of type " + value.getClass().getSimpleName() + ", which it must not be.");
          }
        });
  }
}
