package graphkeeper.standin;

import java.util.*;
import java.util.stream.Stream;
import org.neo4j.procedure.*;

/** What tests see and turn. */
public class Knobs {
  public static class CallRow {
    public String name;
    public String graph;
    public Map<String, Object> configuration;
  }

  @Procedure(name = "standin.calls", mode = Mode.READ)
  public Stream<CallRow> calls() {
    return Projections.CALLS.stream()
        .map(
            call -> {
              CallRow row = new CallRow();
              row.name = call.name();
              row.graph = call.graph();
              row.configuration = call.configuration();
              return row;
            });
  }

  public static class ProjectedRow {
    public String name;
    public List<Long> nodes;
    public List<List<Number>> edges;
  }

  /** Every projection that ever was. */
  @Procedure(name = "standin.projected", mode = Mode.READ)
  public Stream<ProjectedRow> projected() {
    return Projections.HISTORY.stream()
        .map(
            projection -> {
              ProjectedRow row = new ProjectedRow();
              row.name = projection.name;
              row.nodes = List.copyOf(projection.labels.keySet());
              row.edges =
                  projection.allEdges().stream().map(e -> List.<Number>of(e.source(), e.target(), e.weight())).toList();
              return row;
            });
  }

  public static class Value {
    public String value;
  }

  @Procedure(name = "standin.knob", mode = Mode.READ)
  public Stream<Value> knob(@Name("name") String name) {
    Value row = new Value();
    row.value = Projections.KNOBS.get(name);
    return Stream.of(row);
  }

  @Procedure(name = "standin.turn", mode = Mode.READ)
  public void turn(@Name("name") String name, @Name("value") String value) {
    if (value == null) Projections.KNOBS.remove(name);
    else Projections.KNOBS.put(name, value);
  }

  /** A projection that somebody left in a database. */
  @Procedure(name = "standin.plant", mode = Mode.READ)
  public void plant(@Name("name") String name, @Name("database") String database) {
    Projections.store(new Projections.Projection(name, database));
  }

  @Procedure(name = "standin.reset", mode = Mode.READ)
  public void reset() {
    Projections.STORED.clear();
    Projections.HISTORY.clear();
    Projections.CALLS.clear();
    Projections.KNOBS.clear();
  }
}
