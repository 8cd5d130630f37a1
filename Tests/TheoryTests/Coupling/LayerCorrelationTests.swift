import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Correlation of every hidden layer") struct LayerCorrelationTests {
  @Test("agrees with the textbook formula, and layer by layer with itself", arguments: [1, 63, 64, 65, 130])
  func textbook(count: Int) throws {
    let (teacher, student) = (
      Teacher(try Draw.network([4, 3, 5, 2, 3], key: 71, slope: 0.1)),
      Student(try Draw.network([4, 7, 9, 4, 3], key: 72, slope: 0.1))
    )
    let x = Draw.inputs(count, 4)
    let found = try layerCorrelations(of: teacher, with: student, over: x)
    #expect(found.count == 3)
    for (layer, correlation) in found.enumerated() {
      #expect(
        correlation
          == (try UnderstudyTheory.correlation(of: teacher, with: student, over: x, layer: layer)))
      func activations(_ network: Network, _ node: Int) -> [Double] {
        (0..<count).map { network.activation(Plain.preactivations(network, x.row($0), layer: layer)[node]) }
      }
      for j in 0..<correlation.values.rowCount {
        for k in 0..<correlation.values.columnCount {
          let expected = Plain.correlation(activations(teacher.network, j), activations(student.network, k))
          // Sums of `count` terms of size about 1, below count x 2e-16 even where a norm is 1e-3: a thousandfold margin.
          #expect(abs(correlation.values[j, k] - expected) < 1e-10, "\(count), layer \(layer), \(j), \(k)")
        }
      }
    }
  }

  @Test("matches are the best living student nodes")
  func matches() {
    var correlation = NodeCorrelation(
      values: Matrix([[0.2, 0.95, 0, 0.95], [-0.5, -0.1, 0, -0.3], [0, 0, 0, 0], [0.91, 0.3, 0, 0.9]]),
      deadTeacherNodes: [2], deadStudentNodes: [2])
    #expect(correlation.matches == [1, 1, nil, 0])
    // With a dead node rho is 0, which is more than -0.1; what follows a teacher node is a living one.
    #expect(correlation.bestOfTeacherNodes == [0.95, 0, 0, 0.91])
    #expect(correlation.bestOfStudentNodes == [0.91, 0.95, 0, 0.95])
    correlation.deadStudentNodes = [0, 1, 2, 3]
    #expect(correlation.matches == [nil, nil, nil, nil])
  }

  @Test("a student that holds the teacher in another order is found in every layer")
  func permuted() throws {
    let teacher = try Draw.network([4, 3, 5, 3], key: 73)
    // Both hidden layers reversed.
    func reversed(_ matrix: Matrix, rows: Bool, columns: Bool) -> Matrix {
      let (n, m) = (matrix.rowCount, matrix.columnCount)
      return Matrix((0..<n).map { r in (0..<m).map { matrix[rows ? n - 1 - r : r, columns ? m - 1 - $0 : $0] } })
    }
    var student = teacher
    for layer in 0..<3 {
      student[layer: layer].weights = reversed(
        teacher.layers[layer].weights, rows: layer < 2, columns: layer > 0)
      if layer < 2 { student[layer: layer].biases = teacher.layers[layer].biases.map { $0.reversed() } }
    }
    let found = try layerCorrelations(of: Teacher(teacher), with: Student(student), over: Draw.inputs(300, 4))
    #expect(found[0].matches == [2, 1, 0] && found[1].matches == [4, 3, 2, 1, 0])
    #expect(found.allSatisfy { $0.bestOfTeacherNodes.allSatisfy { $0 > 1 - 1e-9 } })
  }
}
