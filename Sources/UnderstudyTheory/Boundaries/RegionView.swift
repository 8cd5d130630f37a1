import UnderstudyNetworks
import UnderstudyNumerics

/// Shares of the region's radius within which boundaries are bundled for bounds.
private let bundleTolerances = [1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1]

/// What a node adds to h_k besides an affine function: `jump max(0, normal . x + offset)`.
private struct Hinge {
  /// Of unit length.
  var normal: [Double]
  var offset: Double
  var jump: Double
  /// The boundary's group.
  var group: Int?

  /// The same up to an affine function.
  var turned: Hinge { Hinge(normal: normal.map { -$0 }, offset: -offset, jump: jump, group: group) }

  func distance(_ x: [Double]) -> Double { dotProduct(normal, x, from: offset) }
}

/// Two networks in a region: which boundaries there are, and who sees them.
struct RegionView {
  let region: InputRegion
  let teacher: TwoLayerView
  let student: TwoLayerView
  let groups: BoundaryGroups
  /// s_H, `[group, output]`; output / input.
  let jumps: Matrix
  let teacherBoundaries: Boundaries
  let studentBoundaries: Boundaries
  /// Of each teacher node, the group that it is in.
  private let teacherGroups: [Int?]
  /// Nodes with neighbouring boundaries together, within wider and wider tolerances.
  private let partitions: [BoundaryGroups]
  let ofTeacher: RegionObservation
  let ofStudent: RegionObservation

  init(
    of student: Student, learning teacher: Teacher, within region: InputRegion, tolerance: Double
  ) throws(ShapeError) {
    try checkPair(teacher, student)
    (self.teacher, self.student) = (try TwoLayerView(teacher.network), try TwoLayerView(student.network))
    let radius = region.radius(featureCount: student.network.inputCount)
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: tolerance, spread: radius)
    self.groups = groups
    teacherGroups = (0..<teacher.network.hiddenCounts[0]).map { j in
      groups.groups.firstIndex { $0.teacherNodes.contains { $0.node == j } }
    }
    var partitions: [BoundaryGroups] = []
    for wider in bundleTolerances {
      let bundles = try BoundaryGroups(teacher: teacher, student: student, tolerance: wider, spread: radius)
      // The same bundles give the same bound.
      if bundles.groups != partitions.last?.groups { partitions.append(bundles) }
    }
    self.partitions = partitions
    guard let jumps = try KinkBalance(of: student, against: teacher, groups: groups).jumps else {
      throw ShapeError("kinks of two layers do not depend on inputs")
    }
    self.jumps = jumps
    ofTeacher = try observation(of: teacher, by: student, within: region)
    ofStudent = try observation(of: Teacher(student.network), by: student, within: region)
    teacherBoundaries = Boundaries(of: teacher.network.layers[0])
    studentBoundaries = Boundaries(of: student.network.layers[0])
    self.region = region
  }

  private var slope: Double { student.activation.negativeSlope }

  /// The largest z_k on a group's boundary within the region; nil if this misses it.
  private func largestPreactivation(_ k: Int, on group: Int) -> Double? {
    let members = groups.groups[group]
    if let j = members.teacherNodes.first { return ofTeacher.largestPreactivation(ofStudent: k, onTeacher: j.node) }
    return members.studentNodes.first.flatMap { ofStudent.largestPreactivation(ofStudent: k, onTeacher: $0.node) }
  }

  /// Whether a group's boundary meets the activation region of node k. A ReLU's own boundary only borders it; a leaky node sees
  /// boundaries from either side.
  private func sees(_ k: Int, _ group: Int) -> Bool {
    guard let largest = largestPreactivation(k, on: group) else { return false }
    return slope > 0 || (largest > 0 && groups.group(ofStudentNode: k) != group)
  }

  /// How far the region reaches on both sides of a group's boundary together.
  private func extent(across group: Int) -> Double {
    let members = groups.groups[group]
    if let j = members.teacherNodes.first {
      return 2 * region.reach(along: teacherBoundaries.directions.row(j.node))
    }
    return members.studentNodes.first.map { 2 * region.reach(along: studentBoundaries.directions.row($0.node)) } ?? 0
  }

  func node(_ k: Int, residualTolerance: Double) -> RegionGradient.StudentNode {
    let (row, fanOut) = (student.row(k), student.fanOut(k))
    let tolerance = residualTolerance * euclideanNorm(fanOut)
    let kinkLeft = groups.group(ofStudentNode: k).map { euclideanNorm(jumps.row($0)) }
    let (weights, bias) = (row.dropLast(), row[row.count - 1])
    let (middle, reach) = (region.valueAtCenter(weights, bias: bias), region.reach(along: weights))
    guard slope > 0 || middle + reach > 0 else {
      return .init(
        isActive: false, largestKink: 0, groups: [], gradientBound: 0, kinkBound: 0, gradientTolerance: tolerance,
        kinkLeft: kinkLeft)
    }
    let seen = groups.groups.indices.filter { sees(k, $0) }
    let kinks = seen.map { (1 - slope) * abs(dotProduct(jumps.row($0), fanOut)) }
    // An input of its activation region, as far from its boundary as can be said simply: on the way from the lowest input to
    // the highest, in the middle of where it is active.
    let first = reach > 0 ? max(0, (reach - middle) / (2 * reach)) : 0
    let place = reach > 0 ? (slope > 0 ? 0.75 : (first + 1) / 2) : 0.5
    let x = region.top(along: weights).map { region.center + (2 * place - 1) * ($0 - region.center) }
    let (value, gradient) = affineResidual(teacher, student, along: fanOut, at: x)
    let affine = abs(value - dotProduct(gradient, x) + region.center * gradient.reduce(0, +))
    let bound =
      affine + region.reach(along: gradient) + zip(seen, kinks).reduce(0) { $0 + extent(across: $1.0) * $1.1 }
    let nearBounds = partitions.map { bundledBound(fanOut, value, gradient, at: x, seen: Set(seen), $0) }
    return .init(
      isActive: true, largestKink: kinks.max() ?? 0, groups: seen, gradientBound: min(bound, nearBounds.min() ?? bound),
      kinkBound: bound, gradientTolerance: tolerance, kinkLeft: kinkLeft)
  }

  /// A bound in which the kinks of nodes with neighbouring boundaries are added before their size is taken: of all of them at one
  /// boundary, and what each does between its own and that.
  ///
  /// h_k less the hinges `J_i max(0, d_i(x))` of bundles that E_k sees is affine on E_k; `value` and `gradient` are those of h_k
  /// at x. O((teacher + student nodes) (features + outputs)).
  private func bundledBound(
    _ fanOut: [Double], _ value: Double, _ gradient: [Double], at x: [Double], seen: Set<Int>, _ bundles: BoundaryGroups
  ) -> Double {
    var (value, gradient, hinges) = (value, gradient, 0.0)
    for bundle in bundles.groups {
      var members =
        bundle.teacherNodes.map { hinge($0, isTeacher: true, fanOut) }
        + bundle.studentNodes.map { hinge($0, isTeacher: false, fanOut) }
      // Nodes that E_k does not see, such as k itself, are affine on it either way, and may cancel those that it does.
      guard members.contains(where: { $0.group.map(seen.contains) ?? false }) else { continue }
      // All on one side, so that the first one's hinge is 0 at x.
      if members[0].distance(x) > 0 { members = members.map(\.turned) }
      let reference = members[0]
      for (index, member) in members.enumerated() {
        let distance = member.distance(x)
        if distance > 0 {
          value -= member.jump * distance
          for f in gradient.indices { gradient[f] -= member.jump * member.normal[f] }
        }
        guard index > 0 else { continue }
        let apart = zip(member.normal, reference.normal).map { $0 - $1 }
        let middle = region.valueAtCenter(apart, bias: member.offset - reference.offset)
        hinges += abs(member.jump) * (abs(middle) + region.reach(along: apart))
      }
      let farthest =
        region.valueAtCenter(reference.normal, bias: reference.offset) + region.reach(along: reference.normal)
      hinges += abs(members.reduce(0) { $0 + $1.jump }) * max(0, farthest)
    }
    let middle = value - dotProduct(gradient, x) + region.center * gradient.reduce(0, +)
    return abs(middle) + region.reach(along: gradient) + hinges
  }

  private func hinge(_ member: BoundaryGroup.Member, isTeacher: Bool, _ fanOut: [Double]) -> Hinge {
    let (view, boundaries) = isTeacher ? (teacher, teacherBoundaries) : (student, studentBoundaries)
    let jump = (1 - slope) * boundaries.norms[member.node] * dotProduct(view.fanOut(member.node), fanOut)
    let hinge = Hinge(
      normal: Array(boundaries.directions.row(member.node)), offset: boundaries.offsets[member.node],
      jump: isTeacher ? jump : -jump,
      group: isTeacher ? teacherGroups[member.node] : groups.group(ofStudentNode: member.node))
    return member.isOpposite ? hinge.turned : hinge
  }

  /// Says of boundaries without teacher nodes which of their observers' gradients vanish, and what those span.
  func addSpans(to nodes: inout [RegionGradient.StudentNode]) {
    for (index, group) in groups.groups.enumerated() where group.teacherNodes.isEmpty {
      guard let first = group.studentNodes.first,
        ofStudent.largestPreactivation(ofStudent: first.node, onTeacher: first.node) != nil
      else { continue }
      let observers = nodes.indices.filter {
        nodes[$0].groups.contains(index) && nodes[$0].kinkBound <= nodes[$0].gradientTolerance
      }
      let fanOuts = Matrix(
        rowCount: observers.count, columnCount: student.outputCount, values: observers.flatMap(student.fanOut))
      let span = FanOutSpan(fanOuts)
      for member in group.studentNodes { nodes[member.node].vanishingSpan = span }
    }
  }

  func teacherNode(_ j: Int, _ nodes: [RegionGradient.StudentNode]) -> RegionGradient.TeacherNode {
    guard let group = teacherGroups[j],
      ofTeacher.largestPreactivation(ofStudent: 0, onTeacher: j) != nil
    else {
      return .init(
        isVisible: false, observers: [], witnesses: [], aligned: [], smallestBound: .infinity,
        smallestExcess: .infinity,
        loneKinkExcess: 0)
    }
    let observers = nodes.indices.filter { k in
      dotProduct(student.fanOut(k), teacher.fanOut(j)) != 0 && sees(k, group)
    }
    // The kink that teacher nodes have there, by what node k sees of it: without a student node on the boundary, no bound of
    // its gradient would be smaller.
    let small = observers.filter { nodes[$0].kinkBound <= nodes[$0].gradientTolerance }
    let loneKinks = small.map { k in
      let kink = groups.groups[group].teacherNodes.reduce(0) {
        $0 + dotProduct(student.fanOut(k), teacher.fanOut($1.node)) * teacherBoundaries.norms[$1.node]
      }
      return (1 - slope) * abs(kink) * extent(across: group)
    }
    let witnesses = zip(small, loneKinks).filter { nodes[$0].gradientTolerance < $1 }.map(\.0)
    func excess(_ size: Double, of k: Int) -> Double {
      size > 0 ? size / nodes[k].gradientTolerance : nodes[k].gradientTolerance > 0 ? 0 : 1
    }
    return .init(
      isVisible: true, observers: observers, witnesses: witnesses,
      aligned: groups.groups[group].studentNodes.map(\.node),
      smallestBound: observers.map { nodes[$0].kinkBound }.min() ?? .infinity,
      smallestExcess: observers.map { excess(nodes[$0].kinkBound, of: $0) }.min() ?? .infinity,
      loneKinkExcess: zip(small, loneKinks).map { excess($1, of: $0) }.max() ?? 0)
  }
}

/// v . (f* - f) and its gradient by the input, in the cell that has x. O(weights).
func affineResidual(
  _ teacher: TwoLayerView, _ student: TwoLayerView, along v: [Double], at x: [Double]
) -> (value: Double, gradient: [Double]) {
  var value = 0.0
  var gradient = [Double](repeating: 0, count: x.count)
  for (view, sign) in [(teacher, 1.0), (student, -1.0)] {
    value += sign * dotProduct(view.output.biasesOrZeros, v)
    for node in 0..<view.nodeCount {
      let row = view.row(node)
      let z = dotProduct(row.dropLast(), x, from: row[x.count])
      let weight = sign * dotProduct(view.fanOut(node), v) * (z > 0 ? 1 : view.activation.negativeSlope)
      value += weight * z
      for f in x.indices { gradient[f] += weight * row[f] }
    }
  }
  return (value, gradient)
}
