import UnderstudyNetworks
import UnderstudyNumerics

// What all measures ask of what they are given.

/// - Throws: ``ShapeError`` if a network is not plain, or the student does not fit the teacher.
func checkPair(_ teacher: Teacher, _ student: Student) throws(ShapeError) {
  try teacher.network.checkIsPlain()
  try student.network.checkIsPlain()
  try student.checkFits(teacher)
}

/// - Throws: ``ShapeError`` as ``checkPair(_:_:)``, or if the inputs do not fit either.
func checkPair(_ teacher: Teacher, _ student: Student, over inputs: Matrix) throws(ShapeError) {
  try checkPair(teacher, student)
  try checkInputs(inputs, fit: teacher.network)
}

func checkInputs(_ inputs: Matrix, fit network: Network) throws(ShapeError) {
  try network.checkWidth(of: inputs)
  guard inputs.rowCount > 0 else { throw ShapeError("there are no inputs; measure over at least one sample") }
}
