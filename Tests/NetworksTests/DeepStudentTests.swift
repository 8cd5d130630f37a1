import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@Suite("Deep students") struct DeepStudentTests {
  private func student(
    _ initialization: StudentDesign.Initialization, of teacher: Teacher, _ widths: [Int] = [12, 14, 10],
    key: UInt64 = 5, change: (inout StudentDesign) -> Void = { _ in }
  ) throws -> Network {
    var design = StudentDesign(hiddenCounts: widths, scale: 0.1, initialization: initialization)
    change(&design)
    return try design.draw(for: teacher, key: key).network
  }

  @Test("plain and He weights have their spread in every layer, and biases are 0")
  func spread() throws {
    let teacher = try deepDesign([50, 50], d: 100, c: 40).draw(key: 1)
    for (initialization, variance) in [(StudentDesign.Initialization.plain, nil), (.he, 2.0)] {
      for layer in try student(initialization, of: teacher, [100, 100]).layers {
        let values = layer.weights.values
        let wanted = variance.map { $0 / 100 } ?? 0.01
        // The mean square of at least 4000 normal values, of relative standard deviation sqrt(2 / 4000) = 0.022; six.
        #expect(abs(product(values, values) / Double(values.count) / wanted - 1) < 0.134)
        #expect(layer.biases?.allSatisfy { $0 == 0 } == true)
      }
    }
  }

  @Test("uniform weights and biases fill +-1/sqrt(inputs)")
  func uniform() throws {
    let network = try student(.uniform, of: try deepDesign([50, 50], d: 100, c: 40).draw(key: 1), [100, 100])
    for layer in network.layers {
      for (values, count) in [(layer.weights.values, 4000.0), (layer.biases ?? [], 40)] {
        #expect(!values.isEmpty && values.allSatisfy { abs($0) < 0.1 })
        // Squares of uniform values of (-1, 1) have mean 1/3 and variance 4/45; six standard deviations.
        let mean = product(values, values) / Double(values.count) / 0.01
        #expect(abs(mean - 1 / 3.0) < 6 * (4 / 45.0 / count).squareRoot())
      }
    }
  }

  @Test(
    "teacher-like students take the block of the teacher's nodes and leave the rest of the uniform draw",
    arguments: [.perturbedTeacher, .teacherDirections, .teacherSigns] as [StudentDesign.Initialization])
  func blocks(initialization: StudentDesign.Initialization) throws {
    let teacher = try deepDesign().draw(key: 1)
    let base = try student(.uniform, of: teacher)
    let like = try student(initialization, of: teacher)
    for l in 0..<4 {
      let (t, u, s) = (teacher.network.layers[l], base.layers[l], like.layers[l])
      for k in 0..<u.nodeCount {
        for i in 0..<u.inputCount where k >= t.nodeCount || i >= t.inputCount {
          #expect(s.weights[k, i] == u.weights[k, i])
        }
        guard k < t.nodeCount else {
          #expect(s.biases?[k] == u.biases?[k])
          continue
        }
        let (row, part) = (t.weights.row(k), Array(s.weights.row(k).prefix(t.inputCount)))
        let drawn = Array(u.weights.row(k).prefix(t.inputCount))
        switch initialization {
        case .teacherDirections:
          #expect(abs(euclideanNorm(part) - euclideanNorm(drawn)) < 1e-14)
          #expect(abs(product(part, row) / (euclideanNorm(part) * euclideanNorm(row)) - 1) < 1e-14)
          #expect(s.biases?[k] == u.biases?[k])
        case .teacherSigns:
          #expect(part.map { abs($0) } == drawn.map { abs($0) })
          #expect(zip(part, row).allSatisfy { $0 * $1 > 0 })
          #expect((s.biases?[k] ?? 0) == abs(u.biases?[k] ?? 0))  // the teacher's are 0.1
        default:
          #expect(zip(part, row).allSatisfy { $0 != $1 } && s.biases?[k] != t.biases?[k])
        }
      }
      guard initialization == .perturbedTeacher else { continue }
      // Noise of a tenth of the root mean square; squares of n normal values vary by sqrt(2 / n) relatively, six of it.
      let count = Double(t.nodeCount * t.inputCount)
      let size = product(t.weights.values, t.weights.values) / count
      var noise = 0.0
      for k in 0..<t.nodeCount {
        for i in 0..<t.inputCount { noise += (s.weights[k, i] - t.weights[k, i]) * (s.weights[k, i] - t.weights[k, i]) }
      }
      #expect(abs(noise / count / (0.01 * size) - 1) < 6 * (2 / count).squareRoot())
    }
  }

  @Test("without noise, a student as wide as its normalised teacher is the folded teacher")
  func unperturbed() throws {
    var design = deepDesign()
    design.normalization = .afterActivation
    let teacher = try design.draw(key: 1, calibration: normalSample())
    let network = try student(.perturbedTeacher, of: teacher, [9, 7, 8]) { $0.perturbation = 0 }
    #expect(network == teacher.network.folded)
    let scaled = try student(.perturbedTeacher, of: teacher, [9, 7, 8]) {
      $0.perturbation = 0
      $0.weightFactor = 2
    }
    for (layer, single) in zip(scaled.layers, network.layers) {
      #expect(layer.weights.values == single.weights.values.map { 2 * $0 })
      #expect(layer.biases == single.biases?.map { 2 * $0 })
    }
  }

  @Test("the lowest layers can be the teacher's, with further nodes beside them and drawn layers above")
  func teacherLayers() throws {
    let teacher = try deepDesign().draw(key: 1)
    let widths = teacher.network.hiddenCounts.map { 2 * $0 }
    let drawn = try student(.uniform, of: teacher, widths)
    let network = try student(.uniform, of: teacher, widths) { $0.teacherLayerCount = 2 }
    let x = normalSample()
    let ours = teacher.network.activations(of: x.transposed, layers: 0..<2)
    let theirs = network.activations(of: x.transposed, layers: 0..<2)
    for layer in 0..<2 {
      for j in 0..<teacher.network.hiddenCounts[layer] {
        #expect(Array(theirs[layer].row(j)) == Array(ours[layer].row(j)), "layer \(layer), node \(j)")
        let further = network.layers[layer].weights.row(j).dropFirst(teacher.network.layers[layer].inputCount)
        #expect(further.allSatisfy { $0 == 0 })
      }
      for k in teacher.network.hiddenCounts[layer]..<widths[layer] {
        #expect(Array(network.layers[layer].weights.row(k)) == Array(drawn.layers[layer].weights.row(k)))
      }
    }
    #expect(network.layers[2...] == drawn.layers[2...])
  }

  @Test(
    "the weight factor is on all weights and biases but those of `scale`",
    arguments: [.uniform, .he, .teacherDirections, .teacherSigns, .perturbedTeacher, .plain]
      as [StudentDesign.Initialization])
  func weightFactor(initialization: StudentDesign.Initialization) throws {
    let teacher = try deepDesign().draw(key: 1)
    let factor = initialization == .plain ? 1.0 : 4  // a power of two: exact
    let once = try student(initialization, of: teacher)
    let more = try student(initialization, of: teacher) { $0.weightFactor = 4 }
    for (a, b) in zip(once.layers, more.layers) {
      for (x, y) in zip(a.weights.values + (a.biases ?? []), b.weights.values + (b.biases ?? [])) {
        #expect(abs(y - factor * x) <= 1e-15 * abs(y))
      }
    }
  }

  @Test("normalisations start at means 0, variances 1, scales 1 and shifts 0, or without the last two")
  func normalization() throws {
    let teacher = try deepDesign().draw(key: 1)
    for learnt in [true, false] {
      let network = try student(.he, of: teacher) {
        $0.normalization = .afterActivation
        $0.learntScale = learnt
      }
      #expect(network.layers[3].normalization == nil)
      for layer in network.layers.dropLast() {
        let (zeros, ones) = (
          [Double](repeating: 0, count: layer.nodeCount), [Double](repeating: 1, count: layer.nodeCount)
        )
        #expect(
          layer.normalization
            == BatchNormalization(
              placement: .afterActivation, means: zeros, variances: ones, scales: learnt ? ones : nil,
              shifts: learnt ? zeros : nil))
      }
    }
  }

  @Test("biases are as the teacher's or as asked for; deep draws are repeatable and layers have their own streams")
  func biasesAndKeys() throws {
    let (with, without) = (try deepDesign().draw(key: 1), try deepDesign(bias: nil).draw(key: 1))
    #expect(try student(.uniform, of: with).hasBiases)
    #expect(try !student(.uniform, of: without).hasBiases)
    #expect(try student(.perturbedTeacher, of: without) { $0.hasBiases = true }.hasBiases)
    #expect(try student(.uniform, of: with) { $0.hasBiases = false }.layers.allSatisfy { $0.biases == nil })
    #expect(try student(.he, of: with) == student(.he, of: with))
    #expect(try student(.he, of: with) != student(.he, of: with, key: 6))
    let (narrow, wide) = (try student(.uniform, of: with), try student(.uniform, of: with, [12, 20, 10]))
    #expect(narrow.layers[0] == wide.layers[0] && narrow.layers[3] == wide.layers[3])
  }

  @Test("another depth and too narrow a layer are errors")
  func misfits() throws {
    let teacher = try deepDesign().draw(key: 1)
    let depth = #expect(throws: ShapeError.self) { try student(.teacherSigns, of: teacher, [20, 20]) }
    #expect(depth?.description.contains("the same depth") == true)
    let width = #expect(throws: ShapeError.self) { try student(.teacherSigns, of: teacher, [20, 6, 20]) }
    #expect(width?.description.contains("hidden layer 2: 6 student nodes") == true)
  }
}
