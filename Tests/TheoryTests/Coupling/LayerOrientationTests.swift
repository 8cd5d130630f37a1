import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Turned-round and always active nodes of every hidden layer") struct LayerOrientationTests {
  @Test("agrees with the textbook formula on phi(-z*), and with counting", arguments: [1, 64, 65, 130], [0, 0.1])
  func textbook(count: Int, slope: Double) throws {
    let (teacher, student) = (
      Teacher(try Draw.network([4, 3, 5, 2], key: 71, slope: slope)),
      Student(try Draw.network([4, 7, 9, 2], key: 72, slope: slope))
    )
    let x = Draw.inputs(count, 4)
    let found = try layerOrientations(of: teacher, with: student, over: x)
    #expect(found.count == 2)
    for (layer, orientation) in found.enumerated() {
      let ours = (0..<count).map { Plain.preactivations(teacher.network, x.row($0), layer: layer) }
      let theirs = (0..<count).map { Plain.preactivations(student.network, x.row($0), layer: layer) }
      for k in 0..<student.network.hiddenCounts[layer] {
        #expect(orientation.activeShares[k] == Double(theirs.count { $0[k] > 0 }) / Double(count))
        for j in 0..<teacher.network.hiddenCounts[layer] {
          let expected = Plain.correlation(
            ours.map { teacher.network.activation(-$0[j]) }, theirs.map { student.network.activation($0[k]) })
          // As for the correlations themselves.
          #expect(abs(orientation.mirrored.values[j, k] - expected) < 1e-10, "\(count), layer \(layer), \(j), \(k)")
        }
      }
    }
    #expect(found[0].below == nil)
    let below = try #require(found[1].below)
    for j in 0..<3 {
      let a = (0..<count).map {
        teacher.network.activation(Plain.preactivations(teacher.network, x.row($0), layer: 0)[j])
      }
      for k in 0..<9 {
        let b = (0..<count).map {
          student.network.activation(Plain.preactivations(student.network, x.row($0), layer: 1)[k])
        }
        #expect(abs(below.values[j, k] - Plain.correlation(a, b)) < 1e-10, "\(count), \(j), \(k)")
      }
    }
  }

  @Test("a node with the negative weights of a teacher node is that node turned round, whatever its scale")
  func planted() throws {
    let teacher = try Draw.network([4, 3, 2], key: 5)
    var student = try Draw.copy(of: teacher).network.layers
    // Draw.copy puts teacher node 0 last.
    for f in 0..<4 { student[0].weights[2, f] *= -3 }
    student[0].biases?[2] *= -3
    // The boundary of node 1 leaves the data.
    student[0].biases?[1] = 1000
    let found = try layerOrientations(
      of: Teacher(teacher), with: Student(try Network(layers: student, activation: .relu)), over: Draw.inputs(200, 4))
    #expect(abs(found[0].mirrored.bestOfStudentNodes[2] - 1) < 1e-12)
    #expect(found[0].mirrored.studentMatches[2] == 0)
    #expect(found[0].activeShares[1] == 1 && found[0].activeShares[0] < 1)
  }
}
