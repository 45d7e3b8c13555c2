import { quoted, type Shapes } from "../shapes.ts";

/**
 * Statements to the Graph Data Science library, by its names and signatures of 2.13, the line for Neo4j 5.26. They run on
 * servers that have the plugin only, so that they are not among the statements that every store sends.
 *
 * First all live entities and facts are projected by one statement; neighbours are found in that projection, and its facts are
 * joined with the nearest of the neighbours into a second, undirected one, whose weights are those of the built-in engine.
 */
export function gdsStatements(s: Shapes) {
  const vector = s.vectors("entity")[0];
  const property = vector === undefined ? "null" : `e.${quoted(vector)}`;
  // A list holds one type of number; the library compares no whole ones.
  const floats = `CASE WHEN valueType(${property}[0]) = 'INTEGER NOT NULL' THEN [x IN ${property} | toFloat(x)] ELSE ${property} END`;
  const { weight } = s.profile.relationships;
  const weighed =
    weight === undefined
      ? "1.0"
      : `CASE WHEN valueType(r.${quoted(weight)}) IN ['INTEGER NOT NULL', 'FLOAT NOT NULL'] AND r.${quoted(weight)} > 0
          AND toFloat(r.${quoted(weight)}) <= 1.7976931348623157e308 THEN toFloat(r.${quoted(weight)}) ELSE 1.0 END`;
  const facts = `MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")}
      WHERE ${s.isFact("r")} AND ${s.belongs("entity", "b")} AND ${s.isLive("a")} AND ${s.isLive("b")}`;
  const optional = (name: string | undefined) => (name === undefined ? "null" : `e.${quoted(name)}`);
  const { name, type, description } = s.profile.entities;
  return {
    gdsEntities: `${s.all("entity", "e")} AND ${s.isLive("e")}
      RETURN ${s.id("entity", "e")} AS id, id(e) AS node, e.${quoted(name)} AS name, ${optional(type)} AS type,
        ${optional(description)} AS description, size(${property}) AS dimension`,
    gdsProject: `CALL () {
        ${s.all("entity", "e")} AND ${s.isLive("e")}
        RETURN e AS source, null AS target, CASE WHEN size(${property}) = $dimension
          THEN {sourceNodeLabels: ['Vector'], targetNodeLabels: null,
            sourceNodeProperties: {embedding: ${floats}}, targetNodeProperties: null}
          ELSE {sourceNodeLabels: ['Plain'], targetNodeLabels: null} END AS data
        UNION ALL
        ${s.all("entity", "a")} ${facts}
        RETURN a AS source, b AS target, {relationshipType: 'FACT', relationshipProperties: {weight: ${weighed}}} AS data
      }
      RETURN gds.graph.project($name, source, target, data, $config) AS projection`,
    ...libraryStatements,
  };
}

const factRows = `CALL gds.graph.relationshipProperty.stream($name, 'weight', ['FACT']) YIELD sourceNodeId, targetNodeId, propertyValue
      RETURN sourceNodeId AS source, targetNodeId AS target, propertyValue AS weight`;
// Three flat lists of floats: as a map each, pairs would take several times their memory.
const pairRows = `UNWIND range(0, size($sources) - 1) AS i
      RETURN toInteger($sources[i]) AS source, toInteger($targets[i]) AS target, $weights[i] AS weight`;
const joined = (rows: string) => `CALL () { ${rows} }
      RETURN gds.graph.project($joined, source, target, {relationshipType: 'EDGE', relationshipProperties: {weight: weight}},
        {undirectedRelationshipTypes: ['*'], jobId: $job}) AS projection`;
const estimates = "YIELD bytesMin, bytesMax, heapPercentageMax RETURN bytesMin, bytesMax, heapPercentageMax";

/** They name projections only, whose names are of one run of one group. */
export const libraryStatements = {
  gdsInstalled: "SHOW FUNCTIONS YIELD name WHERE name = 'gds.version' RETURN name",
  gdsVersion: "RETURN gds.version() AS version",
  /** The catalogue spans databases; a graph of that name in another one is somebody else's. */
  gdsList: `CALL db.info() YIELD name AS current CALL gds.graph.list() YIELD graphName, database
    WITH graphName WHERE database = current AND graphName STARTS WITH $prefix RETURN graphName AS name`,
  gdsDrop: "UNWIND $names AS name CALL gds.graph.drop(name, false) YIELD graphName RETURN graphName",
  // The library's similarity is (1 + cosine) / 2.
  gdsKnn: `CALL gds.knn.stream($name, $config) YIELD node1, node2, similarity
    RETURN node1 AS source, node2 AS target, 2 * similarity - 1 AS cosine`,
  gdsJoin: joined(`${factRows} UNION ALL ${pairRows}`),
  gdsJoinNeighbours: joined(pairRows),
  gdsLeiden: `CALL gds.leiden.stream($name, $config) YIELD nodeId, communityId, intermediateCommunityIds
    RETURN nodeId AS node, communityId AS community, intermediateCommunityIds AS levels`,
  gdsPageRank: "CALL gds.pageRank.stream($name, $config) YIELD nodeId, score RETURN nodeId AS node, score",
  gdsWcc:
    "CALL gds.wcc.stream($name, $config) YIELD nodeId, componentId RETURN nodeId AS node, componentId AS component",
  gdsProgress:
    "CALL gds.listProgress($job) YIELD jobId, progress WITH progress WHERE jobId = $job RETURN progress LIMIT 1",
  gdsProjectEstimate: `CALL gds.graph.project.estimate('*', '*', $config) ${estimates}`,
  gdsKnnEstimate: `CALL gds.knn.stream.estimate($graph, $config) ${estimates}`,
  gdsLeidenEstimate: `CALL gds.leiden.stream.estimate($graph, $config) ${estimates}`,
  gdsPageRankEstimate: `CALL gds.pageRank.stream.estimate($graph, $config) ${estimates}`,
  gdsWccEstimate: `CALL gds.wcc.stream.estimate($graph, $config) ${estimates}`,
} as const;
