import UnderstudyNetworks
import UnderstudyNumerics

/// The nodes of a teacher and a student that share a boundary.
public struct BoundaryGroup: Sendable, Equatable {
  /// A node and the side that its normal points to.
  public struct Member: Sendable, Equatable {
    public var node: Int
    /// Whether the node's normal points to the other side than that of the group's first member.
    public var isOpposite: Bool
  }

  /// In ascending order. The group's orientation is that of its first teacher node, or of its first student node if it
  /// has no teacher node.
  public var teacherNodes: [Member]
  public var studentNodes: [Member]
}

/// Which boundaries coincide: a partition of the nodes of a student, and of its teacher if there is one, by boundary.
///
/// Two nodes are in one group if a chain of nodes leads from one to the other whose neighbours are all
/// `tolerance`-aligned, up to orientation (single linkage). A chain does not depend on the order of the nodes, and nodes
/// that share a boundary up to rounding are in one group however many they are.
public struct BoundaryGroups: Sendable, Equatable {
  /// Groups with teacher nodes first, in their order, then those of students alone.
  public let groups: [BoundaryGroup]
  /// Nodes without weights besides their bias: they have no boundary and the same activation everywhere.
  public let teacherNodesWithoutBoundary: [Int]
  public let studentNodesWithoutBoundary: [Int]
  public let tolerance: Double
  /// The group of each student node.
  private let studentGroups: [Int?]

  /// - Parameter spread: the length, in units of the input, that offset differences are counted in; 1 is plain
  ///   eps-alignment, the spread of the inputs makes groups independent of the inputs' scale.
  /// - Precondition: both have as many features.
  /// - Complexity: O((teacher + student nodes)^2 x features).
  public init(teacher: Boundaries?, student: Boundaries, tolerance: Double, spread: Double = 1) {
    let teacherCount = teacher?.count ?? 0
    let sides = (teacher.map { [$0] } ?? []) + [student]
    let leaves = sides.flatMap { side in (0..<side.count).map { (side, $0) } }
    let linkage = BoundaryLinkage(leaves, maximumEpsilon: tolerance, spread: spread)
    let groups = linkage.roots.compactMap { root -> BoundaryGroup? in
      let leaves = linkage.leaves(of: root).sorted()
      guard linkage.hasBoundary[leaves[0]] else { return nil }
      let sign = linkage.isOpposite[leaves[0]]
      func member(_ leaf: Int) -> BoundaryGroup.Member {
        .init(node: leaf < teacherCount ? leaf : leaf - teacherCount, isOpposite: linkage.isOpposite[leaf] != sign)
      }
      return BoundaryGroup(
        teacherNodes: leaves.filter { $0 < teacherCount }.map(member),
        studentNodes: leaves.filter { $0 >= teacherCount }.map(member))
    }
    var studentGroups = [Int?](repeating: nil, count: student.count)
    for (index, group) in groups.enumerated() {
      for member in group.studentNodes { studentGroups[member.node] = index }
    }
    (self.groups, self.studentGroups) = (groups, studentGroups)
    teacherNodesWithoutBoundary = (0..<teacherCount).filter { teacher?.hasBoundary($0) == false }
    studentNodesWithoutBoundary = (0..<student.count).filter { !student.hasBoundary($0) }
    self.tolerance = tolerance
  }

  /// The groups of the lowest layers.
  ///
  /// - Throws: ``ShapeError`` if the student does not fit the teacher.
  public init(
    teacher: Teacher, student: Student, tolerance: Double, spread: Double = 1
  ) throws(ShapeError) {
    try checkPair(teacher, student)
    self.init(
      teacher: Boundaries(of: teacher.network.layers[0]), student: Boundaries(of: student.network.layers[0]),
      tolerance: tolerance, spread: spread)
  }

  /// The group that a student node is in; nil if it has no boundary.
  public func group(ofStudentNode node: Int) -> Int? { studentGroups[node] }
}

/// How boundaries join to groups as the tolerance grows: the tree of single linkage.
///
/// Clusters are numbered: the leaves first, then the joins in ascending order of epsilon.
struct BoundaryLinkage {
  struct Join {
    var epsilon: Double
    var first: Int
    var second: Int
  }

  let joins: [Join]
  /// Clusters that no join takes up, in the order of their first leaves.
  let roots: [Int]
  /// Of each leaf, whether its normal points to the other side than that of the leaf its tree is told from. As a tree has
  /// one path between two leaves, comparing two of them says how they lie within any cluster that has both.
  let isOpposite: [Bool]
  let hasBoundary: [Bool]

  init(_ leaves: [(boundaries: Boundaries, node: Int)], maximumEpsilon: Double, spread: Double = 1) {
    let count = leaves.count
    let edges = Self.spanningForest(leaves, maximumEpsilon: maximumEpsilon, spread: spread)

    // `cluster` and `members` belong to the leaf that represents a cluster.
    var representative = Array(0..<count)
    var cluster = Array(0..<count)
    var members = (0..<count).map { [$0] }
    var isOpposite = [Bool](repeating: false, count: count)
    var joins: [Join] = []
    for edge in edges {
      var (kept, absorbed) = (representative[edge.first], representative[edge.second])
      joins.append(Join(epsilon: edge.epsilon, first: cluster[kept], second: cluster[absorbed]))
      if members[kept].count < members[absorbed].count { swap(&kept, &absorbed) }
      let turns = (isOpposite[edge.first] != isOpposite[edge.second]) != edge.isOpposite
      for leaf in members[absorbed] {
        representative[leaf] = kept
        if turns { isOpposite[leaf].toggle() }
      }
      members[kept] += members[absorbed]
      members[absorbed] = []
      cluster[kept] = count + joins.count - 1
    }
    self.joins = joins
    self.isOpposite = isOpposite
    hasBoundary = leaves.map { $0.boundaries.hasBoundary($0.node) }
    var seen: Set<Int> = []
    roots = (0..<count).compactMap { seen.insert(representative[$0]).inserted ? cluster[representative[$0]] : nil }
  }

  private struct Edge {
    var epsilon: Double
    var first: Int
    var second: Int
    var isOpposite: Bool
  }

  /// The edges of the smallest spanning forest among those of at most `maximumEpsilon`, in ascending order: Kruskal's method.
  ///
  /// All pairs of thousands of nodes on few boundaries do not fit into memory. What a part of the edges does not need, the whole
  /// does not need either: so their forest alone is kept whenever there are many. As no two edges are equal in their order,
  /// there is one such forest, however they are divided.
  private static func spanningForest(
    _ leaves: [(boundaries: Boundaries, node: Int)], maximumEpsilon: Double, spread: Double
  ) -> [Edge] {
    let keptCount = max(1 << 20, 8 * leaves.count)
    var edges: [Edge] = []
    forEachCandidate(leaves, maximumSine: maximumEpsilon) { first, second in
      guard
        let relation = leaves[first].boundaries.relation(
          of: leaves[first].node, to: leaves[second].boundaries, leaves[second].node)
      else { return }
      let epsilon = max(relation.sine, relation.offsetDifference / spread)
      guard epsilon <= maximumEpsilon else { return }
      edges.append(Edge(epsilon: epsilon, first: first, second: second, isOpposite: relation.isOpposite))
      if edges.count >= keptCount { edges = smallestForest(of: edges, leafCount: leaves.count) }
    }
    return smallestForest(of: edges, leafCount: leaves.count)
  }

  private static func smallestForest(of edges: [Edge], leafCount: Int) -> [Edge] {
    var parent = Array(0..<leafCount)
    func root(_ leaf: Int) -> Int {
      var leaf = leaf
      while parent[leaf] != leaf {
        parent[leaf] = parent[parent[leaf]]
        leaf = parent[leaf]
      }
      return leaf
    }
    return edges.sorted { ($0.epsilon, $0.second, $0.first) < ($1.epsilon, $1.second, $1.first) }.filter { edge in
      let (first, second) = (root(edge.first), root(edge.second))
      parent[second] = first
      return first != second
    }
  }

  /// Calls with the pairs whose sine may be at most a bound, found by products of whole blocks: nearly all pairs are too far
  /// apart.
  private static func forEachCandidate(
    _ leaves: [(boundaries: Boundaries, node: Int)], maximumSine: Double, _ body: (_ first: Int, _ second: Int) -> Void
  ) {
    let rows = Matrix(leaves.map { Array($0.boundaries.directions.row($0.node)) })
    // A thousand roundings below the cosine that belongs to the bound.
    let smallestCosine = max(0, 1 - maximumSine * maximumSine).squareRoot() - 1e-12
    let blockSize = 256
    for start in stride(from: 0, to: leaves.count, by: blockSize) {
      let end = min(start + blockSize, leaves.count)
      let block = rows.rows(start..<end)
      let cosines = LinearAlgebra.product(block, rows.prefix(rows: end), transposingSecond: true)
      for second in start..<end {
        for first in 0..<second where abs(cosines[second - start, first]) >= smallestCosine { body(first, second) }
      }
    }
  }

  var leafCount: Int { hasBoundary.count }

  /// The two clusters that were joined to one; nil for a leaf.
  func join(of cluster: Int) -> Join? { cluster < leafCount ? nil : joins[cluster - leafCount] }

  func leaves(of cluster: Int) -> [Int] {
    var (result, open) = ([Int](), [cluster])
    while let next = open.popLast() {
      if let join = join(of: next) { open += [join.first, join.second] } else { result.append(next) }
    }
    return result
  }
}
