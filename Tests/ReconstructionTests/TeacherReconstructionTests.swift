import Testing
import UnderstudyBenchmarks
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

@testable import UnderstudyReconstruction

@Suite("Recovery of deep teachers") struct TeacherReconstructionTests {
  /// Weights are off by the residuals (gradients of 1e-10 at every sample) over the weakest direction that the inputs show
  /// (about 1e-2). How many students that only training has brought near end there is measured by ``ReconstructionBenchmark``.
  @Test("two hidden layers are read back from their outputs", arguments: 1...4)
  func endToEnd(key: Int) throws {
    let (teacher, student, inputs, targets) = try doubled(by: 1e-3, key: UInt64(key))
    let reconstruction = try reconstructTeacher(
      from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1)
    #expect(reconstruction.lossBefore > 1e-9, "nothing is left for the critical-point search to do")
    #expect(reconstruction.outcome == .recovered && reconstruction.report.reachedTarget)
    #expect(reconstruction.student.network.hiddenCounts == [4, 4])
    let errors = try #require(weightErrors(of: reconstruction.student.network, against: teacher.network))
    #expect(errors.count == 3 && errors.allSatisfy { $0 < 1e-8 })
  }

  @Test("the benchmark trains, finishes and merges, and tells what came of it")
  func benchmark() throws {
    var size = ReconstructionBenchmark.Size([4, 5], d: 6, epochCount: 5, seedCount: 1)
    (size.sampleCount, size.stepsPerEpoch) = (500, 200)
    let outcome = try ReconstructionBenchmark().run(size, seed: 1)
    #expect(outcome.trainedLoss > 1e-12 && outcome.loss <= outcome.trainedLoss && outcome.unitCounts.count == 2)
    #expect(outcome.isRecovered == (outcome.weightErrors?.allSatisfy { $0 < 1e-8 } ?? false))
  }

  /// A teacher, and a student in which every node is there twice, all weights moved a little.
  private func doubled(
    by noise: Double, key: UInt64 = 11
  ) throws -> (teacher: Teacher, student: Student, inputs: Matrix, targets: Matrix) {
    var design = TeacherDesign(
      inputCount: 5, hiddenCounts: [4, 4], outputCount: 4, weights: .gaussian(scale: 1), bias: 0, strengthDecay: 0,
      activation: .relu)
    design.medianBiases = true
    var stream = RandomStream(key: key, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 1500, columnCount: 5, standardDeviation: 1)
    let teacher = try design.draw(key: key, calibration: inputs)
    let student = try Network(
      layers: teacher.network.layers.enumerated().map { index, layer in
        let (rows, columns) = (index == 2 ? 1 : 2, index == 0 ? 1 : 2)
        let weights = Matrix(
          (0..<rows * layer.nodeCount).map { k in
            (0..<columns * layer.inputCount).map { f in
              layer.weights[k % layer.nodeCount, f % layer.inputCount] / Double(columns)
                + noise * stream.normals(1, standardDeviation: 1)[0]
            }
          })
        return NetworkLayer(
          weights: weights, biases: (0..<rows * layer.nodeCount).map { layer.biases?[$0 % layer.nodeCount] ?? 0 })
      }, activation: .relu)
    return (teacher, Student(student), inputs, try teacher.network.outputs(for: inputs))
  }

  @Test("where the search ends short of its target, what is left after merging is searched from in turn")
  func refinement() throws {
    let (teacher, student, inputs, targets) = try doubled(by: 1e-4)
    // One step leaves residuals, which only the merged student's own stages can take away.
    let plan = CriticalPointPlan(iterationLimit: 1, restartLimit: 0)
    let reconstruction = try reconstructTeacher(from: student, along: plan, on: inputs, targets: targets, key: 1)
    let alone = try criticalPoint(from: student, along: plan, on: inputs, targets: targets, key: 1)
    #expect(!alone.report.reachedTarget)
    #expect(reconstruction.refinementCount > 0 && reconstruction.loss < 1e-3 * alone.report.loss)
    #expect(reconstruction.student.network.hiddenCounts == [4, 4])
    #expect(try #require(weightError(of: reconstruction.student.network, against: teacher.network)) < 1e-5)
  }

  @Test("a node that the others can stand in for goes, and none of the teacher's")
  func pruning() throws {
    let (teacher, student, inputs, targets) = try doubled(by: 0)
    let plan = CriticalPointPlan()
    guard
      case .smaller(let smaller, let report) = try eliminatingOneUnit(
        of: student, along: plan, on: inputs, targets: targets, key: 1)
    else {
      Issue.record("every node has a twin, and none goes")
      return
    }
    #expect(report.reachedTarget && smaller.network.hiddenCounts.reduce(0, +) == 15)
    #expect(largestDifference(try smaller.network.outputs(for: inputs), targets) < 1e-8)
    func isNone(_ student: Student, costLimit: Double = 2e10) throws -> Bool {
      let elimination = try eliminatingOneUnit(
        of: student, along: plan, on: inputs, targets: targets, key: 1, costLimit: costLimit)
      if case .none = elimination { return true } else { return false }
    }
    #expect(try isNone(Student(teacher.network)))
    #expect(try isNone(student, costLimit: 1e6), "too large to be tried")
  }

  /// A teacher, and a student that does the same at all samples: two of its nodes share the kink of the teacher's first one,
  /// their boundaries on either side of it, with no sample between them and too far apart to be merged (a spread is 1, and
  /// merging joins up to 0.3).
  private func sharing(_ widths: [Int], key: UInt64) throws -> (
    teacher: Teacher, student: Student, inputs: Matrix, targets: Matrix
  ) {
    var design = TeacherDesign(
      inputCount: 4, hiddenCounts: widths, outputCount: 4, weights: .gaussian(scale: 1), bias: 0, strengthDecay: 0,
      activation: .relu)
    design.medianBiases = true
    var stream = RandomStream(key: key, purpose: .test)
    let drawn = stream.normalMatrix(rowCount: 2000, columnCount: 4, standardDeviation: 1)
    let teacher = try design.draw(key: key, calibration: drawn)
    let lowest = teacher.network.layers[0]
    let norm = euclideanNorm(lowest.weights.row(0))
    let bias = lowest.biases?[0] ?? 0
    let inputs = drawn.rows(
      (0..<drawn.rowCount).filter { i in
        abs(zip(drawn.row(i), lowest.weights.row(0)).reduce(bias) { $0 + $1.0 * $1.1 }) > 0.5 * norm
      })
    var network = teacher.network.keeping([0] + Array(0..<widths[0]), of: 0)
    network[layer: 0].biases = [bias + 0.4 * norm, bias - 0.4 * norm] + (lowest.biases?.dropFirst() ?? [])
    for row in 0..<network.layers[1].nodeCount {
      for column in 0..<2 { network[layer: 1].weights[row, column] /= 2 }
    }
    return (teacher, Student(network), inputs, try teacher.network.outputs(for: inputs))
  }

  @Test("two nodes that share a kink between samples become the teacher's one", arguments: [[4], [4, 3]], 1...3)
  func pruningRecovers(widths: [Int], key: Int) throws {
    let (teacher, student, inputs, targets) = try sharing(widths, key: UInt64(key))
    #expect(largestDifference(try student.network.outputs(for: inputs), targets) < 1e-12 * targets.rootMeanSquare)
    #expect(try merge(student, over: inputs, targets: targets).unitCount == widths[0] + 1)
    let reconstruction = try reconstructTeacher(
      from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1)
    #expect(reconstruction.eliminatedCount == 1 && reconstruction.outcome == .recovered)
    #expect(try #require(weightError(of: reconstruction.student.network, against: teacher.network)) < 1e-8)
    #expect(reconstruction.determination.isDetermined == true)
    #expect(try #require(reconstruction.heldOut).largestError < 1e-8)
  }

  /// The student of `doubled`, its inputs and outputs in other units.
  @Test(
    "units of inputs and outputs do not matter",
    arguments: [(1e-9, 1.0), (1e9, 1), (1, 1e-9), (1, 1e9), (3e-30, 7e20), (0.37, 1e-100)])
  func units(inputUnit: Double, outputUnit: Double) throws {
    let (teacher, student, inputs, targets) = try doubled(by: 1e-3)
    let moved = student.network.scaled(inputs: 1 / inputUnit, outputs: outputUnit)
    let reconstruction = try reconstructTeacher(
      from: Student(moved), along: CriticalPointPlan(), on: inputs.scaled(by: inputUnit),
      targets: targets.scaled(by: outputUnit), key: 1)
    #expect(reconstruction.outcome == .recovered && reconstruction.report.reachedTarget)
    #expect(reconstruction.student.network.hiddenCounts == [4, 4])
    let back = reconstruction.student.network.scaled(inputs: inputUnit, outputs: 1 / outputUnit)
    #expect(try #require(weightError(of: back, against: teacher.network)) < 1e-8)
    #expect(
      reconstruction.lossBefore > 1e-9 * outputUnit * outputUnit
        && reconstruction.loss < 1e-18 * outputUnit * outputUnit)
  }

  @Test("fewer equations than weights are not enough, and more than enough are", arguments: 1...3)
  func determination(key: Int) throws {
    let design = TeacherDesign(
      inputCount: 8, hiddenCounts: [6, 6], outputCount: 8, weights: .gaussian(scale: 1), bias: 0, strengthDecay: 0,
      activation: .relu)
    let teacher = try design.draw(key: UInt64(key))
    let student = try StudentDesign(hiddenCounts: [12, 12], scale: 1, initialization: .uniform)
      .draw(for: teacher, key: UInt64(key))
    var stream = RandomStream(key: UInt64(key), purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 30, columnCount: 8, standardDeviation: 1)
    let reconstruction = try reconstructTeacher(
      from: student, along: CriticalPointPlan(iterationLimit: 50, restartLimit: 0), on: inputs,
      targets: try teacher.network.outputs(for: inputs), key: 1)
    #expect(reconstruction.determination.equationCount == 240 && reconstruction.determination.isDetermined == false)
    #expect(reconstruction.heldOut == nil)
    #expect(student.network.weightCount == 368)
    let enough = try weightDetermination(
      of: teacher.network, over: stream.normalMatrix(rowCount: 500, columnCount: 8, standardDeviation: 1))
    #expect(enough.rank == 152 - 12 && enough.isDetermined == true)
  }

  /// Targets with noise, which no network meets. One node gives less than the noise: merging takes it for nothing and
  /// removes it, and the network without it is worse, whatever is done to it.
  @Test("the result is never worse than the student that was given", arguments: [1e-6, 1e-3], 1...3)
  func neverWorse(noise: Double, key: Int) throws {
    var network = try TeacherDesign(
      inputCount: 4, hiddenCount: 4, outputCount: 2, weights: .gaussian(scale: 1), bias: 0, strengthDecay: 0,
      activation: .relu
    ).draw(key: UInt64(key)).network
    var stream = RandomStream(key: UInt64(key), purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 4000, columnCount: 4, standardDeviation: 1)
    let activations = (0..<4000).map { i in
      max(0, zip(inputs.row(i), network.layers[0].weights.row(0)).reduce(0) { $0 + $1.0 * $1.1 })
    }
    let largest = max(abs(network.layers[1].weights[0, 0]), abs(network.layers[1].weights[1, 0]))
    for c in 0..<2 { network[layer: 1].weights[c, 0] *= 0.4 * noise / largest / (activations.max() ?? 1) }
    let exact = try network.outputs(for: inputs)
    let noises = stream.uniforms(exact.values.count).map { noise * (2 * $0 - 1) }
    let targets = Matrix(
      rowCount: exact.rowCount, columnCount: exact.columnCount, values: zip(exact.values, noises).map { $0 + $1 })
    func loss(_ student: Student) throws -> Double {
      let outputs = try student.network.outputs(for: inputs)
      return zip(outputs.values, targets.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 2
    }
    let student = Student(network)
    let merged = try merge(student, over: inputs, targets: targets)
    #expect(merged.unitCount == 3)
    let plan = CriticalPointPlan(iterationLimit: 3, restartLimit: 0)
    #expect(
      try loss(criticalPoint(from: merged.student, along: plan, on: inputs, targets: targets, key: 2).student)
        > loss(student))
    let reconstruction = try reconstructTeacher(from: student, along: plan, on: inputs, targets: targets, key: 2)
    #expect(try loss(reconstruction.student) <= loss(student))
    #expect(reconstruction.outcome == .unfinished || reconstruction.outcome == .notBetter)
    if reconstruction.outcome == .notBetter {
      #expect(reconstruction.student == student && reconstruction.merged == nil)
    }
  }

  @Test("of a student whose nodes are all dead nothing is recovered")
  func dead() throws {
    var (_, student, inputs, targets) = try doubled(by: 0)
    student.network[layer: 0].biases = [Double](repeating: -1e3, count: 8)
    let reconstruction = try reconstructTeacher(
      from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1)
    #expect(reconstruction.outcome == .nothing && !reconstruction.report.reachedTarget)
    #expect(reconstruction.student == student && reconstruction.merged == nil)
  }

  /// What enters the upper layers is never negative. Without biases a node whose weights are all negative is active nowhere,
  /// and above a single node all that are active are multiples of it.
  @Test(
    "without biases a teacher may equal a smaller network everywhere, and that is what is found",
    arguments: [([5, 6, 5], 2, [0], [5, 6, 4]), ([4, 4, 4, 4], 2, [0, 1, 3], [4, 4, 1, 1])])
  func smallerEqual(widths: [Int], layer: Int, dead: [Int], smaller: [Int]) throws {
    var teacher = try TeacherDesign(
      inputCount: 5, hiddenCounts: widths, outputCount: 4, weights: .gaussian(scale: 1), bias: nil, strengthDecay: 0,
      activation: .relu
    ).draw(key: 3).network
    // Every node but the dead ones has some positive weight.
    for l in 1..<widths.count {
      for node in 0..<widths[l] { teacher[layer: l].weights[node, (node + 2) % widths[l - 1]] = 1 }
    }
    for node in dead {
      for f in 0..<widths[layer - 1] {
        teacher[layer: layer].weights[node, f] = -abs(teacher.layers[layer].weights[node, f])
      }
    }
    let stream = RandomStream(key: 9, purpose: .test)
    func inputs(_ count: Int, scale: Double, _ index: Int) -> Matrix {
      var stream = RandomStream(key: stream.key, purpose: .test, index: index)
      return stream.normalMatrix(rowCount: count, columnCount: 5, standardDeviation: scale)
    }
    let fitted = inputs(3000, scale: 1, 0)
    let reconstruction = try reconstructTeacher(
      from: Student(teacher), along: CriticalPointPlan(), on: fitted, targets: try teacher.outputs(for: fitted), key: 1)
    #expect(reconstruction.outcome == .recovered && reconstruction.student.network.hiddenCounts == smaller)
    for (index, scale) in [1e-3, 1, 1e3].enumerated() {
      let others = inputs(20_000, scale: scale, index + 1)
      let outputs = try teacher.outputs(for: others)
      let difference = largestDifference(try reconstruction.student.network.outputs(for: others), outputs)
      #expect(outputs.rootMeanSquare > 0.01 * scale && difference < 1e-8 * outputs.rootMeanSquare)
    }
  }

  @Test("a tenth of the samples is held out, the same each time, and none of few")
  func split() {
    let split = SampleSplit(of: 1503)
    #expect(split.heldOut.count == 150 && split.heldOut == SampleSplit(of: 1503).heldOut)
    #expect((split.heldOut + split.fitted).sorted() == Array(0..<1503))
    #expect(SampleSplit(of: 19).heldOut.isEmpty && SampleSplit(of: 20).heldOut.count == 2)
    #expect(SampleSplit(of: 100, neededCount: 90).heldOut.count == 10)
    #expect(SampleSplit(of: 100, neededCount: 91).heldOut.isEmpty)
  }

  @Test("a cancelled reconstruction returns what it has")
  func cancellation() throws {
    let (_, student, inputs, targets) = try doubled(by: 1e-3)
    let reconstruction = try reconstructTeacher(
      from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1, isCancelled: { true })
    #expect(reconstruction.report.wasCancelled && reconstruction.refinementCount == 0)
    #expect(reconstruction.merged == nil && reconstruction.searched == student && reconstruction.student == student)
  }
}
