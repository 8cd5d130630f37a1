import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// What plain loops find at one hidden layer, sample by sample.
private struct PlainCoupling {
  /// E[A], `[student node, teacher node]`, and E[B], `[student node, student node]`.
  var a: Matrix
  var b: Matrix
  /// Sums of absolute values over samples and outputs, which bound rounding.
  var size = 0.0

  /// V_l(x) `[output][node]` of each hidden layer: that of the highest is the output layer, and V_{l-1} = V_l D_l W_l.
  private static func fanOuts(_ network: Network, at x: [Double]) -> [[[Double]]] {
    var (f, gates) = (x, [[Double]]())
    for layer in network.layers.dropLast() {
      let z = (0..<layer.nodeCount).map { (layer.biases?[$0] ?? 0) + product(layer.weights.row($0), f) }
      gates.append(z.map { $0 > 0 ? 1 : network.activation.negativeSlope })
      f = z.map { network.activation($0) }
    }
    let top = network.layers[network.layers.count - 1].weights
    var result = [(0..<top.rowCount).map { Array(top.row($0)) }]
    for index in (1..<gates.count).reversed() {
      let weights = network.layers[index].weights
      result.insert(
        result[0].map { row in
          (0..<weights.columnCount).map { below in
            product(zip(row, gates[index]).map { $0 * $1 }, weights.column(below))
          }
        }, at: 0)
    }
    return result
  }

  /// `[hidden layer]`, lowest first.
  static func all(_ teacher: Network, _ student: Network, over inputs: Matrix) -> [PlainCoupling] {
    var result = zip(teacher.hiddenCounts, student.hiddenCounts).map { m, n in
      PlainCoupling(a: Matrix(rowCount: n, columnCount: m), b: Matrix(rowCount: n, columnCount: n))
    }
    let count = Double(inputs.rowCount)
    for i in 0..<inputs.rowCount {
      let x = Array(inputs.row(i))
      for (layer, (v, vS)) in zip(fanOuts(teacher, at: x), fanOuts(student, at: x)).enumerated() {
        for c in v.indices {
          for k in vS[c].indices {
            for j in v[c].indices { result[layer].a[k, j] += vS[c][k] * v[c][j] / count }
            for h in vS[c].indices { result[layer].b[k, h] += vS[c][k] * vS[c][h] / count }
          }
          let largest = (v[c] + vS[c]).reduce(0) { max($0, abs($1)) }
          result[layer].size += largest * largest / count
        }
      }
    }
    return result
  }
}

@Suite("Layers of trained students") struct TrainedLayerTests {
  /// The peer's evaluation of a trained student used its initial weights. Here a student of three hidden layers takes 300
  /// steps, and what is recorded of it, and of the student before the first step, is held against plain loops.
  @Test("couplings are those of the student of the epoch", arguments: ["relu", "leakyRelu"])
  func couplings(activation: String) throws {
    let study = try tinyStudy(
      [
        "teacher.hiddenNodes=null", "teacher.widths=4-3-5", "student.scale=null", "student.initialization=he",
        "training.stepsPerEpoch=60", "training.learningRate=0.02", "network.activation=\(activation)",
        "record=[{measures: [layerStrengths, layerTeacherStrengths, layerCouplingA, layerCouplingB], every: 1}]",
      ] + (activation == "relu" ? [] : ["network.leakySlope=0.2"]))
    let run = try execute(study)
    let (teacher, inputs) = (run.prepared.teacher, run.prepared.evaluation.inputs)
    #expect(run.record.stepCount == 300 && run.student.network.hiddenCounts == [8, 6, 10])
    let (before, after) = (
      PlainCoupling.all(teacher.network, run.prepared.initialStudent.network, over: inputs),
      PlainCoupling.all(teacher.network, run.student.network, over: inputs)
    )
    for (epoch, student, expected) in [(0, run.prepared.initialStudent, before), (5, run.student, after)] {
      let measured = try layerCoupling(of: teacher, with: student, over: inputs, parts: [.meanAlpha, .meanBeta])
      // A sum over paths through at most three layers of 10 nodes, over 4 outputs and 70 samples: 120 roundings of `size`, by
      // both; absolute values of paths add up to some ten times what their sum is.
      func check(_ found: [Double]?, _ wanted: [Double], size: Double) throws {
        let found = try #require(found)
        #expect(found.count == wanted.count)
        #expect(zip(found, wanted).allSatisfy { abs($0 - $1) <= 1200 * Double.ulpOfOne * size }, "epoch \(epoch)")
      }
      for (layer, plain) in zip(measured, expected) {
        try check(layer.meanAlpha?.values, plain.a.values, size: plain.size)
        try check(layer.meanBeta?.values, plain.b.values, size: plain.size)
      }
      // What is recorded are those same numbers.
      #expect(run.values(.layerCouplingA, epoch: epoch) == measured.flatMap { $0.meanAlpha?.values ?? [] })
      #expect(run.values(.layerCouplingB, epoch: epoch) == measured.flatMap { $0.meanBeta?.values ?? [] })
      #expect(run.values(.layerStrengths, epoch: epoch) == measured.flatMap(\.strengths))
      let ofTeacher = PlainCoupling.all(teacher.network, teacher.network, over: inputs)
      let strengths = try #require(run.values(.layerTeacherStrengths, epoch: epoch))
      let plainStrengths = ofTeacher.flatMap { layer in
        (0..<layer.b.rowCount).map { (value: layer.b[$0, $0].squareRoot(), size: layer.size) }
      }
      #expect(strengths.count == plainStrengths.count)
      #expect(
        zip(strengths, plainStrengths).allSatisfy { abs($0 - $1.value) <= 1200 * Double.ulpOfOne * $1.size / $1.value })
    }
    // Of the initial student, they would be far away, in every layer.
    for (old, new) in zip(before, after) {
      let moved = zip(old.b.values, new.b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(moved > 0.1 * (new.b.values.max() ?? 0))
    }
  }
}
